/// RFC 3339 times as Docker and the kubelet write them, looked at as bytes.
enum Timestamp {
    /// Whether the kubelet will be able to read it: `2006-01-02T15:04:05[.999999999](Z|±hh:mm)`, numbers in range.
    static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= 20, text.count <= 35 else { return false }
        guard number(text, 0, 4) != nil, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":")
        else { return false }
        guard let month = number(text, 5, 2), (1...12).contains(month), let day = number(text, 8, 2),
            (1...31).contains(day), let hour = number(text, 11, 2), hour < 24, let minute = number(text, 14, 2),
            minute < 60, let second = number(text, 17, 2), second < 60
        else { return false }
        return hasValidEnd(text, from: 19)
    }

    private static func hasValidEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Bool {
        var position = start
        if text[position] == UInt8(ascii: ".") {
            position += 1
            let digits = position
            while position < text.count, isDigit(text[position]) { position += 1 }
            guard position > digits, position - digits <= 9, position < text.count else { return false }
        }
        if text[position] == UInt8(ascii: "Z") { return position + 1 == text.count }
        guard text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-"),
            position + 6 == text.count, text[position + 3] == UInt8(ascii: ":")
        else { return false }
        guard let hour = number(text, position + 1, 2), let minute = number(text, position + 4, 2) else { return false }
        return hour < 24 && minute < 60
    }

    /// Whether `first` is later than `second`; both valid and in UTC, as Docker's always are.
    ///
    /// Not a comparison of strings: trailing zeros of the fraction are left out.
    static func isLater(_ first: some Collection<UInt8>, than second: some Collection<UInt8>) -> Bool {
        let (a, b) = (digits(first), digits(second))
        return b.lexicographicallyPrecedes(a)
    }

    /// The time without its zone, the fraction filled up to nine digits.
    private static func digits(_ text: some Collection<UInt8>) -> [UInt8] {
        var digits = text.prefix(29).prefix { $0 != UInt8(ascii: "Z") && $0 != UInt8(ascii: "+") }.map { $0 }
        if digits.count == 19 { digits.append(UInt8(ascii: ".")) }
        while digits.count < 29 { digits.append(UInt8(ascii: "0")) }
        return digits
    }

    private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ length: Int) -> Int? {
        var value = 0
        for index in start..<start + length {
            guard isDigit(text[index]) else { return nil }
            value = value * 10 + Int(text[index] & 0x0F)
        }
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
