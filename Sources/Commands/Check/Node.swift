internal import Configuration
internal import Glibc
internal import Linux

/// The machine that is looked at: its files below a directory, and the settings Fender has on it.
struct Node {
    /// "" for this machine.
    var root = ""
    var settings = FenderConfiguration()
    var backEnd = BackEndChoice.native
    /// The kernel's release, as uname(2) gives it.
    var kernelRelease = Node.runningKernel

    /// A file's text without the white space around it; nil when it cannot be read.
    func text(_ path: String) -> String? {
        guard let text = try? Files.text(root + path) else { return nil }
        let isBlank = { (character: Character) in character.isWhitespace }
        let body = text.drop(while: isBlank)
        return String(body.prefix(upTo: body.lastIndex { !isBlank($0) }.map(body.index(after:)) ?? body.startIndex))
    }

    func exists(_ path: String) -> Bool { Files.exists(root + path) }

    func names(_ path: String) -> [String] { (try? Files.names(in: root + path)) ?? [] }

    /// The first of the usual directories that has the program.
    func program(_ name: String) -> String? {
        ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(name)" }
            .first(where: exists)
    }

    private static var runningKernel: String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
