internal import Glibc
internal import Logging
internal import TOML

extension OptionType where Value == Duration {
    /// A span as Go writes it, not negative; zero stands for `zero` where that is given.
    static func duration(zero: Duration = .zero) -> OptionType {
        OptionType(
            placeholder: "DURATION",
            parse: { text in
                let value = try goDuration(text)
                return value == .zero ? zero : value
            }, show: showDuration)
    }
}

extension OptionType where Value == Int {
    /// A size in bytes as Docker writes it: a number and k, m or g, each 1024 times the last.
    static func size(atLeast least: Int) -> OptionType {
        OptionType(
            placeholder: "SIZE", kinds: [.string, .integer],
            parse: { text in
                let value = try byteCount(text)
                guard value >= least else { throw InvalidValue("less than \(showSize(least))") }
                return value
            }, show: showSize)
    }
}

extension OptionType where Value == UInt32 {
    /// Permission bits in octal.
    static let mode = OptionType(
        placeholder: "MODE",
        parse: { text in
            let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
            guard let value = UInt32(digits, radix: 8), value <= 0o777 else {
                throw InvalidValue("not permission bits in octal, such as 0660")
            }
            return value
        }, show: { "0" + String($0, radix: 8) })
}

extension OptionType where Value == UInt32? {
    /// A group by name or number; nothing is nil.
    static let group = OptionType(
        placeholder: "GROUP", kinds: [.string, .integer],
        parse: { text in
            if text.isEmpty { return nil }
            if let number = UInt32(text) { return number }
            guard let entry = getgrnam(text) else { throw InvalidValue("no such group") }
            return entry.pointee.gr_gid
        }, show: { $0.map { String($0) } ?? "" })
}

extension OptionType where Value == Logger.Level {
    /// A level by swift-log's name or logrus's.
    static let logLevel = OptionType(
        placeholder: "LEVEL",
        parse: { text in
            switch text.lowercased() {
            case "trace": .trace
            case "debug": .debug
            case "info": .info
            case "notice": .notice
            case "warning", "warn": .warning
            case "error": .error
            case "critical", "fatal", "panic": .critical
            default: throw InvalidValue("not one of trace, debug, info, notice, warning, error, critical")
            }
        }, show: { $0.rawValue })
}

/// Nanoseconds of each unit that Go's durations know.
private let units: [(name: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
    ("m", 60_000_000_000), ("h", 3_600_000_000_000),
]

/// Go's time.ParseDuration for what is not negative: "0" or numbers, each with a unit and maybe a fraction.
private func goDuration(_ text: String) throws -> Duration {
    let invalid = InvalidValue("not a duration such as 90s, 1m30s or 500ms")
    if text == "0" { return .zero }
    var rest = text[...]
    var total: Int64 = 0
    guard !rest.isEmpty else { throw invalid }
    while !rest.isEmpty {
        let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        rest = rest[number.endIndex...]
        let unit = rest.prefix { !$0.isNumber && $0 != "." }
        rest = rest[unit.endIndex...]
        guard let scale = units.first(where: { $0.name == unit })?.nanoseconds,
            let part = scaled(number, by: scale), !total.addingReportingOverflow(part).overflow
        else { throw invalid }
        total += part
    }
    return .nanoseconds(total)
}

/// `number`, digits with at most one point among them, times `scale`; nil when it is none or too large.
private func scaled(_ number: Substring, by scale: Int64) -> Int64? {
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, parts.contains(where: { !$0.isEmpty }) else { return nil }
    guard let count = whole.isEmpty ? 0 : Int64(whole) else { return nil }
    var (result, overflow) = count.multipliedReportingOverflow(by: scale)
    if overflow { return nil }
    guard parts.count == 2 else { return result }
    guard parts[1].allSatisfy(\.isNumber) else { return nil }
    var step = scale
    for digit in parts[1] {
        step /= 10
        result += Int64(digit.wholeNumberValue ?? 0) * step
    }
    return result
}

@Sendable private func showDuration(_ value: Duration) -> String {
    let (seconds, attoseconds) = value.components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    var text = ""
    if seconds >= 3600 { text += "\(seconds / 3600)h" }
    if seconds / 60 % 60 > 0 { text += "\(seconds / 60 % 60)m" }
    if seconds % 60 > 0 { text += "\(seconds % 60)s" }
    if milliseconds > 0 { text += "\(milliseconds)ms" }
    return text.isEmpty ? "0s" : text
}

private func byteCount(_ text: String) throws -> Int {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let shift: Int? =
        switch text[digits.endIndex...].lowercased() {
        case "", "b": 0
        case "k", "kb", "ki", "kib": 10
        case "m", "mb", "mi", "mib": 20
        case "g", "gb", "gi", "gib": 30
        default: nil
        }
    guard let shift, let number = Int(digits),
        case let (value, overflow) = number.multipliedReportingOverflow(by: 1 << shift),
        !overflow
    else { throw InvalidValue("not a size such as 16m, 512k or 1048576") }
    return value
}

@Sendable private func showSize(_ value: Int) -> String {
    for (suffix, shift) in [("g", 30), ("m", 20), ("k", 10)] where value > 0 && value % (1 << shift) == 0 {
        return "\(value >> shift)\(suffix)"
    }
    return String(value)
}
