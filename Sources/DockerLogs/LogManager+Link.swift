internal import Glibc
internal import Linux

extension LogManager {
    /// Restores the link of an adopted container (``FollowVerdict/symlink``) after the kubelet renamed it.
    ///
    /// A link to `source` that is already there is fine. Throws ``LogError``: `invalidName`,
    /// `unsafeDestination` when something else is at the path, `failed`.
    public static func relink(source: String, destination: String) throws {
        _ = try LogPath.components(source)
        do {
            let directory = try DestinationDirectory(of: destination, creating: true)
            guard let status = try directory.status() else { return try directory.makeLink(to: source) }
            guard status.isLink, try directory.isLink(to: source) else {
                throw LogError(.unsafeDestination, "link \(destination) to \(source): something else is there")
            }
        } catch let error as SystemError {
            throw LogError(.failed, "link \(destination) to \(source)", cause: error)
        }
    }
}
