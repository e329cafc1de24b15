internal import Glibc
internal import Linux

/// What the kernel says of AppArmor.
public struct AppArmor: Sendable {
    private let parameter: String
    private let list: String

    /// Reads from other places than the kernel's only in tests.
    public init(
        parameter: String = "/sys/module/apparmor/parameters/enabled",
        profiles: String = "/sys/kernel/security/apparmor/profiles"
    ) {
        self.parameter = parameter
        self.list = profiles
    }

    /// Whether the kernel enforces AppArmor.
    public var isEnabled: Bool { ((try? Files.text(parameter))?.hasPrefix("Y")) ?? false }

    /// Whether a profile of that exact name is loaded. Throws ``SecurityError`` when the list is unreadable.
    public func isLoaded(_ name: String) throws -> Bool {
        let text: String
        do {
            text = try Files.text(list, limit: 16 << 20)
        } catch {
            throw SecurityError("look up AppArmor profile \(name.debugDescription): \(error)")
        }
        // A line is "name (mode)"; the name may hold spaces and parentheses.
        return text.split(separator: "\n").contains { line in
            guard let end = line.range(of: " (") else { return line == name }
            return line[..<end] == name
        }
    }

    /// What Docker's `HostConfig.SecurityOpt` says for a profile; nil where Docker's default is meant.
    ///
    /// A profile that cannot take effect is an error, as the container would run without it: localhost
    /// on a kernel without AppArmor, or one that is not loaded.
    public func dockerOption(for profile: SecurityProfile) throws -> String? {
        switch profile {
        case .runtimeDefault: return nil
        // Docker passes the option over where the kernel has no AppArmor; so there is none to give.
        case .unconfined: return isEnabled ? "apparmor=unconfined" : nil
        case .localhost(let name):
            guard isEnabled else {
                throw SecurityError("use AppArmor profile \(name.debugDescription): AppArmor is not enabled here")
            }
            guard try isLoaded(name) else {
                throw SecurityError("use AppArmor profile \(name.debugDescription): it is not loaded")
            }
            return "apparmor=\(name)"
        }
    }
}

extension Substring {
    /// The place of the last occurrence of a short ASCII separator.
    fileprivate func range(of separator: String) -> Substring.Index? {
        let pattern = Array(separator.utf8)
        var index = utf8.endIndex
        while index > utf8.startIndex {
            index = utf8.index(before: index)
            if utf8[index...].starts(with: pattern) { return index }
        }
        return nil
    }
}
