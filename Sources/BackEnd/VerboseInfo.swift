internal import FoundationEssentials
public import Runtime

/// The parts of statuses that only a verbose request sees.
public enum VerboseInfo {
    /// A value as JSON with its keys sorted.
    public static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    private struct ImageInfo: Encodable {
        var labels: [String: String]
        var user: String
        var stopSignal: String
        var layers: [String]
    }

    /// Of an image.
    public static func image(_ image: ImageRecord) -> [String: String] {
        let info = ImageInfo(
            labels: image.labels, user: image.user, stopSignal: image.stopSignal, layers: image.layers)
        return ["info": json(info)]
    }
}
