internal import Glibc
internal import Logging

/// One event, ready to be written as a line of text or of JSON.
struct LogLine {
    private var fields: [(key: String, value: String)]
    private let level: Logger.Level

    init(level: Logger.Level, message: String, time: timespec = now()) {
        self.level = level
        self.fields = [("time", rfc3339(time)), ("level", level.rawValue), ("msg", message)]
    }

    /// The line that tells of lines that are missing.
    static func lost(_ count: Int) -> LogLine {
        var line = LogLine(level: .warning, message: "log lines dropped: nobody read them")
        line.add("count", String(count))
        return line
    }

    mutating func add(_ key: String, _ value: String) {
        fields.append((key, value))
    }

    /// The line with its newline; for the journal with its priority in front.
    func bytes(_ format: LogFormat, journal: Bool = false) -> [UInt8] {
        var text = journal ? "<\(level.priority)>" : ""
        switch format {
        case .text:
            text += fields.map { "\(bare($0.key))=\(logfmt($0.value))" }.joined(separator: " ")
        case .json:
            text += "{" + fields.map { "\(json($0.key)):\(json($0.value))" }.joined(separator: ",") + "}"
        }
        return Array(text.utf8) + [UInt8(ascii: "\n")]
    }
}

extension Logger.Level {
    /// syslog(3)'s number.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

func now() -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time
}

/// UTC with six digits of the second (RFC 3339, section 5.6).
func rfc3339(_ time: timespec) -> String {
    var seconds = time.tv_sec
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let date = "\(parts.tm_year + 1900)-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
    let clock = "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
    return "\(date)T\(clock).\(padded(time.tv_nsec / 1000, 6))Z"
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// A key without what would end it.
private func bare(_ key: String) -> String {
    String(String.UnicodeScalarView(key.unicodeScalars.map { isPlain($0) ? $0 : "_" }))
}

/// The value as it is, or as a JSON string when it could be misread.
private func logfmt(_ value: String) -> String {
    !value.isEmpty && value.unicodeScalars.allSatisfy(isPlain) ? value : json(value)
}

private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value > 0x20 && scalar.value < 0x7f && scalar != "\"" && scalar != "=" && scalar != "\\"
}

/// A JSON string (RFC 8259, section 7).
private func json(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        default:
            // Line ends of Unicode too: what comes out is one line to every reader.
            if scalar.value < 0x20 || scalar.value == 0x7f || scalar == "\u{85}" || scalar == "\u{2028}"
                || scalar == "\u{2029}"
            {
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
    return text + "\""
}
