internal import Synchronization

/// The daemon's own numbers, shown in Prometheus' text format 0.0.4.
///
/// Names and units follow Prometheus' conventions: base units, counters end in `_total`. Label values are from small
/// fixed sets; none is a pod's or a container's.
public final class Registry: Sendable {
    private let families = Mutex<[any Family]>([])

    /// An empty registry.
    public init() {}

    /// A number that only grows.
    public func counter(_ name: String, _ help: String, labels: [String] = []) -> Counter {
        add(Counter(head: Head(name: name, help: help, kind: .counter, labels: labels)))
    }

    /// A distribution over `buckets`, ascending upper bounds.
    public func histogram(
        _ name: String, _ help: String, labels: [String] = [], buckets: [Double] = Histogram.seconds
    ) -> Histogram {
        add(Histogram(head: Head(name: name, help: help, kind: .histogram, labels: labels), buckets: buckets))
    }

    /// Numbers that `read` tells when somebody asks, each with its values of `labels`.
    public func read(
        _ name: String, _ help: String, as kind: Kind = .gauge, labels: [String] = [],
        from read: @escaping @Sendable () -> [Sample]
    ) {
        _ = add(Reading(head: Head(name: name, help: help, kind: kind, labels: labels), read: read))
    }

    /// One number that `read` tells when somebody asks; nil leaves it out.
    public func read(
        _ name: String, _ help: String, as kind: Kind = .gauge, value: @escaping @Sendable () -> Double?
    ) {
        read(name, help, as: kind) { value().map { [Sample([], $0)] } ?? [] }
    }

    /// Everything, as a scrape gets it.
    public func text() -> String {
        var text = ""
        for family in families.withLock({ $0 }) { family.write(to: &text) }
        return text
    }

    private func add<Added: Family>(_ family: Added) -> Added {
        families.withLock { $0.append(family) }
        return family
    }
}

/// What a family is to Prometheus.
public enum Kind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// A number with the values of its family's labels, in their order.
public struct Sample: Sendable {
    let labels: [String]
    let value: Double

    /// A number of a family that has as many labels as `labels` has values.
    public init(_ labels: [String], _ value: Double) {
        self.labels = labels
        self.value = value
    }
}

/// Numbers of one name.
protocol Family: Sendable {
    var head: Head { get }
    func write(to text: inout String)
}

/// What all numbers of one name have in common.
struct Head: Sendable {
    let name: String
    let help: String
    let kind: Kind
    let labels: [String]

    func writeHead(to text: inout String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// A line with one number; `bound` is a histogram's `le`.
    func write(
        _ value: Double, _ values: [String], suffix: String = "", bound: String? = nil, to text: inout String
    ) {
        var pairs = zip(labels, values).map { "\($0)=\"\(Self.escaped($1))\"" }
        if let bound { pairs.append("le=\"\(bound)\"") }
        let set = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
        text += "\(name)\(suffix)\(set) \(Self.number(value))\n"
    }

    static func number(_ value: Double) -> String {
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return value.isNaN ? "NaN" : "\(value)"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}

/// Numbers that are read when asked for.
private struct Reading: Family {
    let head: Head
    let read: @Sendable () -> [Sample]

    func write(to text: inout String) {
        let samples = read()
        if samples.isEmpty { return }
        head.writeHead(to: &text)
        for sample in samples { head.write(sample.value, sample.labels, to: &text) }
    }
}
