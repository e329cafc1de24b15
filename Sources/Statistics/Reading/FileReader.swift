internal import Glibc
internal import Linux

/// Reads small files of the kernel one after the other into the same memory; lives on the thread of one pass.
///
/// A file that cannot be read, or that is longer than any honest one, is absent: what a container left behind while
/// it was being read is no error of the pass.
struct FileReader: ~Copyable {
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)

    deinit { memory.deallocate() }

    /// Hands the file's bytes to `body`; nil when there is no such file.
    ///
    /// With `atOnce` the first bytes are all: so the kernel gives the files of cgroups whose text it makes in one piece.
    func read<Value>(
        _ path: String, atOnce: Bool = false, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value? {
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return nil }
        var length = 0
        while length < memory.count {
            guard let count = try? file.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[length...])) else {
                return nil
            }
            length += count
            if count == 0 || atOnce && length < memory.count {
                return body(UnsafeRawBufferPointer(rebasing: memory[..<length]))
            }
        }
        return nil
    }

    /// The file's number; nil for `max` and for what is none.
    func number(_ path: String) -> UInt64? {
        read(path, atOnce: true) { bytes in
            var text = Scanner(bytes)
            return text.number()
        } ?? nil
    }

    /// Calls `body` for each line `name number`; false when there is no such file.
    @discardableResult
    func fields(_ path: String, _ body: (FieldName, UInt64) -> Void) -> Bool {
        let isThere: Void? = read(path, atOnce: true) { bytes in
            var text = Scanner(bytes)
            while !text.isAtEnd {
                let name = text.word()
                if let value = text.number() { body(name, value) }
                text.skipLine()
            }
        }
        return isThere != nil
    }
}

/// A name in a file that is being read; to be compared with literals in a `switch`.
struct FieldName {
    let bytes: UnsafeRawBufferPointer

    static func ~= (literal: StaticString, name: FieldName) -> Bool {
        literal.utf8CodeUnitCount == name.bytes.count
            && (name.bytes.isEmpty || memcmp(literal.utf8Start, name.bytes.baseAddress!, name.bytes.count) == 0)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// A position in the text of a kernel file.
struct Scanner {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { index >= bytes.count }

    /// Whether the line has nothing more.
    var isAtLineEnd: Bool { isAtEnd || bytes[index] == UInt8(ascii: "\n") }

    /// Whatever is no part of a word is blank, so that a word always gets further.
    mutating func skipBlanks() {
        while index < bytes.count, bytes[index] <= 0x20, bytes[index] != UInt8(ascii: "\n") { index += 1 }
    }

    /// To the beginning of the next line.
    mutating func skipLine() {
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
        index += 1
    }

    /// The bytes up to a blank, the end of the line or one of the given separators, which is passed over.
    mutating func word(until separator: UInt8 = 0x20) -> FieldName {
        skipBlanks()
        let start = index
        while index < bytes.count, bytes[index] > 0x20, bytes[index] != separator { index += 1 }
        let word = FieldName(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<min(index, bytes.count)]))
        if index < bytes.count, bytes[index] == separator { index += 1 }
        return word
    }

    /// An unsigned decimal number; nil, and the position stays, where there is none or it does not fit.
    mutating func number() -> UInt64? {
        skipBlanks()
        var value: UInt64 = 0
        var end = index
        while end < bytes.count, case let digit = bytes[end] &- UInt8(ascii: "0"), digit < 10 {
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, more) = tens.addingReportingOverflow(UInt64(digit))
            if over || more { return nil }
            value = sum
            end += 1
        }
        if end == index { return nil }
        index = end
        return value
    }
}
