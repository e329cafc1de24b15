extension ByteBuffer {
    /// Appends the inside of a JSON string with its escapes undone; what is no escape becomes U+FFFD.
    func appendUnescaped(_ string: UnsafeRawBufferPointer) {
        var position = 0
        while position < string.count {
            position = appendPlain(string, from: position)
            if position < string.count { position = appendEscape(string, at: position) }
        }
    }

    /// Appends what comes before the next backslash; answers where that is.
    ///
    /// Eight bytes at a time: a log of JSON has an escaped quote every few bytes, too often for a call of memchr(3) each.
    private func appendPlain(_ string: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let source = string.baseAddress else { return string.count }
        let target = room(string.count - start)
        var position = start
        while position + 8 <= string.count {
            let word = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            UnsafeMutableRawPointer(target + (position - start)).storeBytes(of: word, as: UInt64.self)
            // A byte of `other` is zero where a backslash stands; the lowest such byte gets its high bit set here.
            let other = word ^ 0x5C5C_5C5C_5C5C_5C5C
            let found = (other &- 0x0101_0101_0101_0101) & ~other & 0x8080_8080_8080_8080
            if found != 0 {
                position += UInt64(littleEndian: found).trailingZeroBitCount / 8
                fill(position - start)
                return position
            }
            position += 8
        }
        while position < string.count, string[position] != UInt8(ascii: "\\") {
            target[position - start] = string[position]
            position += 1
        }
        fill(position - start)
        return position
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
