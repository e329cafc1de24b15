/// A message under construction, field by field (protobuf encoding), for replies of many thousand small messages.
struct WireBuffer {
    private(set) var bytes: [UInt8] = []

    /// A message inside.
    mutating func append(_ field: UInt64, _ message: [UInt8]) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(message.count))
        bytes.append(contentsOf: message)
    }

    /// Text; an empty one is an entry of a repeated field all the same.
    mutating func append(_ field: UInt64, _ text: String) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// A number; 0 is what an absent field means.
    mutating func append(_ field: UInt64, _ number: UInt64) {
        if number == 0 { return }
        append(varint: field << 3)
        append(varint: number)
    }

    /// Fields that are encoded already.
    mutating func append(fields: [UInt8]) { bytes.append(contentsOf: fields) }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
