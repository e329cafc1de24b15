/// Reads times as RFC 3339 writes them, with up to nine decimals and `Z` or an offset.
public enum RFC3339 {
    /// Nanoseconds since the epoch; nil for the zero time `0001-01-01T00:00:00Z`, for text that is no time, and for
    /// times that do not fit.
    public static func nanoseconds(_ text: String) -> Int64? {
        var reader = Reader(bytes: text.utf8)
        guard
            let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skipAny("Tt "), let hour = reader.number(2), reader.skip(":"),
            let minute = reader.number(2), reader.skip(":"), let second = reader.number(2),
            let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd,
            year > 1, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooBig) = scaled.addingReportingOverflow(fraction)
        return overflow || tooBig ? nil : sum
    }

    /// Days from 1970-01-01 to a date of the Gregorian calendar, counted in 400-year eras that start in March.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private struct Reader {
        let bytes: String.UTF8View
        var index: String.UTF8View.Index

        init(bytes: String.UTF8View) {
            self.bytes = bytes
            index = bytes.startIndex
        }

        var isAtEnd: Bool { index == bytes.endIndex }

        mutating func digit() -> Int64? {
            guard !isAtEnd, (0x30...0x39).contains(bytes[index]) else { return nil }
            defer { index = bytes.index(after: index) }
            return Int64(bytes[index] - 0x30)
        }

        mutating func number(_ digits: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<digits {
                guard let next = digit() else { return nil }
                value = value * 10 + next
            }
            return value
        }

        mutating func skip(_ text: Unicode.Scalar) -> Bool {
            guard !isAtEnd, bytes[index] == UInt8(ascii: text) else { return false }
            index = bytes.index(after: index)
            return true
        }

        mutating func skipAny(_ choices: String) -> Bool {
            choices.unicodeScalars.contains { skip($0) }
        }

        /// Nanoseconds after an optional point; digits past the ninth are dropped.
        mutating func fraction() -> Int64? {
            guard skip(".") else { return 0 }
            guard var value = digit() else { return nil }
            var digits = 1
            while let next = digit() {
                if digits < 9 { value = value * 10 + next }
                digits += 1
            }
            while digits < 9 {
                value *= 10
                digits += 1
            }
            return value
        }

        /// Seconds east of UTC.
        mutating func offset() -> Int64? {
            if skipAny("Zz") { return 0 }
            let sign: Int64
            if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
            guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else {
                return nil
            }
            return sign * (hours * 3_600 + minutes * 60)
        }
    }
}
