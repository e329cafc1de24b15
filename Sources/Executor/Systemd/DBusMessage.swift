/// D-Bus's wire format, as far as calls to systemd need it (D-Bus specification, "Type System" and "Message Protocol").
///
/// libsystemd has no static library in Debian, and fender-oci is static: hence our own few types.
enum DBusValue: Equatable {
    case string(String)
    case path(String)
    case bool(Bool)
    case uint32(UInt32)
    case uint64(UInt64)
    case bytes([UInt8])
    case uint32s([UInt32])
    /// A property of a unit: a(sv).
    case properties([(name: String, value: DBusValue)])
    /// The auxiliary units of StartTransientUnit, of which we have none: a(sa(sv)).
    case noUnits

    var signature: String {
        switch self {
        case .string: "s"
        case .path: "o"
        case .bool: "b"
        case .uint32: "u"
        case .uint64: "t"
        case .bytes: "ay"
        case .uint32s: "au"
        case .properties: "a(sv)"
        case .noUnits: "a(sa(sv))"
        }
    }

    static func == (left: DBusValue, right: DBusValue) -> Bool {
        var (first, second) = (DBusWriter(), DBusWriter())
        first.add(left)
        second.add(right)
        return left.signature == right.signature && first.bytes == second.bytes
    }
}

/// Values in little-endian order, aligned from the start.
struct DBusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func align(_ size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    mutating func add(byte: UInt8) { bytes.append(byte) }

    mutating func add(_ value: some FixedWidthInteger) {
        align(MemoryLayout.size(ofValue: value))
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func add(_ text: String) {
        add(UInt32(text.utf8.count))
        bytes += Array(text.utf8) + [0]
    }

    mutating func add(signature: String) {
        bytes += [UInt8(signature.utf8.count)] + Array(signature.utf8) + [0]
    }

    /// What `body` writes, with its length before it; the padding up to the first element does not count.
    mutating func addArray(alignment: Int, _ body: (inout Self) -> Void) {
        add(0 as UInt32)
        let place = bytes.count - 4
        align(alignment)
        let start = bytes.count
        body(&self)
        let length = UInt32(bytes.count - start)
        withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }

    mutating func add(_ value: DBusValue) {
        switch value {
        case .string(let text), .path(let text): add(text)
        case .bool(let flag): add(flag ? 1 as UInt32 : 0)
        case .uint32(let number): add(number)
        case .uint64(let number): add(number)
        case .bytes(let list): addArray(alignment: 1) { $0.bytes += list }
        case .uint32s(let list): addArray(alignment: 4) { writer in list.forEach { writer.add($0) } }
        case .properties(let list):
            addArray(alignment: 8) { writer in
                for (name, value) in list {
                    writer.align(8)
                    writer.add(name)
                    writer.add(signature: value.signature)
                    writer.add(value)
                }
            }
        case .noUnits: addArray(alignment: 8) { _ in }
        }
    }
}

/// A message that arrived.
struct DBusMessage: Equatable {
    enum Kind: UInt8 {
        case call = 1
        case reply = 2
        case error = 3
        case signal = 4
    }

    var kind: Kind
    var member = ""
    var errorName = ""
    /// The call that a reply or an error answers.
    var replySerial: UInt32 = 0
    /// The strings and paths among the first values of the body; other values are passed over.
    var texts: [String] = []

    /// A method call as it is sent; arguments in their order.
    static func call(
        _ serial: UInt32, destination: String, path: String, interface: String, member: String,
        _ arguments: [DBusValue]
    ) -> [UInt8] {
        var body = DBusWriter()
        for argument in arguments { body.add(argument) }
        var writer = DBusWriter()
        for byte in [UInt8(ascii: "l"), Kind.call.rawValue, 0, 1] { writer.add(byte: byte) }
        writer.add(UInt32(body.bytes.count))
        writer.add(serial)
        var fields: [(UInt8, String, String)] = [
            (1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination),
        ]
        if !arguments.isEmpty { fields.append((8, "g", arguments.map(\.signature).joined())) }
        writer.addArray(alignment: 8) { writer in
            for (code, kind, text) in fields {
                writer.align(8)
                writer.add(byte: code)
                writer.add(signature: kind)
                if kind == "g" { writer.add(signature: text) } else { writer.add(text) }
            }
        }
        writer.align(8)
        return writer.bytes + body.bytes
    }
}

/// Reads values; nil past the end.
struct DBusReader {
    private let bytes: ArraySlice<UInt8>
    private var offset = 0

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func align(_ size: Int) { offset += (size - offset % size) % size }

    mutating func uint32() -> UInt32? {
        align(4)
        guard offset + 4 <= bytes.count else { return nil }
        defer { offset += 4 }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[bytes.startIndex + offset + $1]) << (8 * $1) }
    }

    mutating func byte() -> UInt8? {
        guard offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[bytes.startIndex + offset]
    }

    private mutating func text(count: Int) -> String? {
        guard count >= 0, offset + count < bytes.count else { return nil }
        defer { offset += count + 1 }
        let start = bytes.startIndex + offset
        return String(decoding: bytes[start..<start + count], as: UTF8.self)
    }

    mutating func string() -> String? { uint32().flatMap { text(count: Int($0)) } }

    mutating func signature() -> String? { byte().flatMap { text(count: Int($0)) } }
}

extension DBusMessage {
    /// The length of a whole message by its first 16 bytes; nil for what is none, or one larger than we would be sent.
    static func length(_ head: ArraySlice<UInt8>) -> Int? {
        var reader = DBusReader(head)
        guard head.count >= 16, head.first == UInt8(ascii: "l"), reader.uint32() != nil, let body = reader.uint32(),
            reader.uint32() != nil, let fields = reader.uint32(), body <= 1 << 20, fields <= 1 << 20
        else { return nil }
        return (16 + Int(fields) + 7) / 8 * 8 + Int(body)
    }

    /// Reads a whole message; nil for a malformed one.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 16, let kind = Kind(rawValue: bytes[1]) else { return nil }
        self.kind = kind
        var reader = DBusReader(bytes[...])
        _ = reader.uint32()
        guard let bodyLength = reader.uint32(), reader.uint32() != nil, let fieldsLength = reader.uint32(),
            (16 + Int(fieldsLength) + 7) / 8 * 8 + Int(bodyLength) == bytes.count
        else { return nil }
        var fields = DBusReader(bytes[..<(16 + Int(fieldsLength))])
        for _ in 0..<4 { _ = fields.uint32() }
        var signature = ""
        while !fields.isAtEnd {
            fields.align(8)
            guard let code = fields.byte(), let kind = fields.signature() else { return nil }
            switch (code, kind) {
            case (3, "s"): member = fields.string() ?? ""
            case (4, "s"): errorName = fields.string() ?? ""
            case (5, "u"): replySerial = fields.uint32() ?? 0
            case (8, "g"): signature = fields.signature() ?? ""
            case (_, "s"), (_, "o"): _ = fields.string()
            case (_, "g"): _ = fields.signature()
            case (_, "u"): _ = fields.uint32()
            default: return nil
            }
        }
        var body = DBusReader(bytes[(bytes.count - Int(bodyLength))...])
        for kind in signature {
            switch kind {
            case "s", "o":
                guard let text = body.string() else { return nil }
                texts.append(text)
            case "u": _ = body.uint32()
            default: return
            }
        }
    }
}
