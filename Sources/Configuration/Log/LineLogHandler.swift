public import Logging

/// Writes each event as one line to a ``LogOutput``.
public struct LineLogHandler: LogHandler {
    /// Values on every line of this logger.
    public var metadata: Logger.Metadata = [:]
    /// Values asked for with every line.
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let output: LogOutput
    private var ownLevel: Logger.Level?

    /// A handler for the logger named `label`.
    public init(label: String, output: LogOutput) {
        self.label = label
        self.output = output
    }

    /// The output's level, unless this logger was given its own.
    public var logLevel: Logger.Level {
        get { ownLevel ?? output.level }
        set { ownLevel = newValue }
    }

    /// A value on every line of this logger.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the event.
    public func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        var line = LogLine(level: event.level, message: event.message.description)
        line.add("component", label)
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { line.add(key, value.description) }
        if let error = event.error { line.add("error", "\(error)") }
        output.write(line.bytes(output.format, journal: output.journal))
    }
}
