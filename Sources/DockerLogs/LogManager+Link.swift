internal import Glibc
internal import Linux

extension LogManager {
    /// Makes the log at `destination` a link to `source`, Docker's own, as dockershim had it.
    ///
    /// A link to `source` that is already there is fine. A log in the CRI format makes way when `isReplacing`, to a name
    /// that the kubelet gives to rotated logs and deletes with them. Throws ``LogError``: `invalidName`,
    /// `unsafeDestination` when something else is at the path, `failed`.
    public static func relink(source: String, destination: String, isReplacing: Bool = false) throws {
        _ = try LogPath.components(source)
        do {
            let directory = try DestinationDirectory(of: destination, creating: true)
            guard let status = try directory.status() else { return try directory.makeLink(to: source) }
            if isReplacing && status.isRegularFile {
                try directory.rename(to: "\(directory.name).\(rotationTime())")
                return try directory.makeLink(to: source)
            }
            guard status.isLink, try directory.isLink(to: source) else {
                throw LogError(.unsafeDestination, "link \(destination) to \(source): something else is there")
            }
        } catch let error as SystemError {
            throw LogError(.failed, "link \(destination) to \(source)", cause: error)
        }
    }

    /// The kubelet's `20060102-150405`.
    private static func rotationTime() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let length = strftime(&text, text.count, "%Y%m%d-%H%M%S", &parts)
        return String(decoding: text[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
