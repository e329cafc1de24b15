extension ByteBuffer {
    /// Appends the inside of a JSON string with its escapes undone; what is no escape becomes U+FFFD.
    func appendUnescaped(_ string: UnsafeRawBufferPointer) {
        var position = 0
        while let slash = string.index(of: UInt8(ascii: "\\"), in: position..<string.count) {
            append(UnsafeRawBufferPointer(rebasing: string[position..<slash]))
            position = appendEscape(string, at: slash)
        }
        append(UnsafeRawBufferPointer(rebasing: string[position..<string.count]))
    }

    /// Undoes the escape whose backslash is at `slash`; answers where it ends.
    private func appendEscape(_ string: UnsafeRawBufferPointer, at slash: Int) -> Int {
        guard slash + 1 < string.count else {
            append(scalar: 0xFFFD)
            return string.count
        }
        let letter = string[slash + 1]
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): append(letter)
        case UInt8(ascii: "n"): append(0x0A)
        case UInt8(ascii: "t"): append(0x09)
        case UInt8(ascii: "r"): append(0x0D)
        case UInt8(ascii: "b"): append(0x08)
        case UInt8(ascii: "f"): append(0x0C)
        case UInt8(ascii: "u"): return appendUnicodeEscape(string, at: slash)
        default:
            append(scalar: 0xFFFD)
            return letter < 0x80 ? slash + 2 : slash + 1
        }
        return slash + 2
    }

    private func appendUnicodeEscape(_ string: UnsafeRawBufferPointer, at slash: Int) -> Int {
        guard let unit = Self.unit(string, at: slash) else {
            append(scalar: 0xFFFD)
            return slash + 2
        }
        guard (0xD800...0xDFFF).contains(unit) else {
            append(scalar: unit)
            return slash + 6
        }
        guard unit < 0xDC00, let low = Self.unit(string, at: slash + 6), (0xDC00...0xDFFF).contains(low) else {
            append(scalar: 0xFFFD)
            return slash + 6
        }
        append(scalar: 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        return slash + 12
    }

    /// The UTF-16 unit that `\uXXXX` at `slash` stands for.
    private static func unit(_ string: UnsafeRawBufferPointer, at slash: Int) -> UInt32? {
        guard slash + 6 <= string.count, string[slash] == UInt8(ascii: "\\"), string[slash + 1] == UInt8(ascii: "u")
        else {
            return nil
        }
        var value: UInt32 = 0
        for index in slash + 2..<slash + 6 {
            switch string[index] {
            case let digit where digit >= 0x30 && digit <= 0x39: value = value << 4 | UInt32(digit - 0x30)
            case let digit where digit >= 0x41 && digit <= 0x46: value = value << 4 | UInt32(digit - 0x37)
            case let digit where digit >= 0x61 && digit <= 0x66: value = value << 4 | UInt32(digit - 0x57)
            default: return nil
            }
        }
        return value
    }

    /// Appends a code point, which is no surrogate, as UTF-8.
    private func append(scalar: UInt32) {
        switch scalar {
        case ..<0x80:
            append(UInt8(scalar))
        case ..<0x800:
            append(UInt8(0xC0 | scalar >> 6))
            append(UInt8(0x80 | scalar & 0x3F))
        case ..<0x10000:
            append(UInt8(0xE0 | scalar >> 12))
            append(UInt8(0x80 | scalar >> 6 & 0x3F))
            append(UInt8(0x80 | scalar & 0x3F))
        default:
            append(UInt8(0xF0 | scalar >> 18))
            append(UInt8(0x80 | scalar >> 12 & 0x3F))
            append(UInt8(0x80 | scalar >> 6 & 0x3F))
            append(UInt8(0x80 | scalar & 0x3F))
        }
    }
}
