/// Which seccomp or AppArmor profile a container gets: the CRI's `SecurityProfile` message and the text
/// fields it replaced, made one.
public enum SecurityProfile: Sendable, Equatable {
    /// The runtime's own profile.
    case runtimeDefault
    /// None at all.
    case unconfined
    /// A seccomp file's path or a loaded AppArmor profile's name.
    case localhost(String)

    /// The seccomp profile asked for.
    ///
    /// - `kind` is `SecurityProfile.profile_type` as a number, nil when the message is absent; only then
    ///   does `deprecated` (`seccomp_profile_path`) count.
    /// - Nothing asked for means unconfined, as with dockershim and containerd.
    /// - A privileged container is unconfined whatever it asks for.
    public static func seccomp(
        kind: Int?, localhostRef: String, deprecated: String, privileged: Bool
    ) throws -> SecurityProfile {
        if privileged { return .unconfined }
        return try asked("seccomp", kind, localhostRef, deprecated) ?? .unconfined
    }

    /// The AppArmor profile asked for; arguments as for ``seccomp(kind:localhostRef:deprecated:privileged:)``.
    ///
    /// Nothing asked for means the runtime's default.
    public static func appArmor(
        kind: Int?, localhostRef: String, deprecated: String, privileged: Bool
    ) throws -> SecurityProfile {
        if privileged { return .unconfined }
        return try asked("AppArmor", kind, localhostRef, deprecated) ?? .runtimeDefault
    }

    private static func asked(
        _ what: String, _ kind: Int?, _ reference: String, _ deprecated: String
    ) throws -> SecurityProfile? {
        guard let kind else { return try parse(what, deprecated) }
        switch kind {
        case 0, 1:
            guard reference.isEmpty else {
                throw SecurityError("choose \(what) profile: localhost_ref is only for the type Localhost")
            }
            return kind == 0 ? .runtimeDefault : .unconfined
        case 2: return try localhost(what, reference[...])
        default: throw SecurityError("choose \(what) profile: unknown type \(kind)")
        }
    }

    private static func parse(_ what: String, _ text: String) throws -> SecurityProfile? {
        switch text {
        case "": return nil
        case "runtime/default", "docker/default": return .runtimeDefault
        case "unconfined": return .unconfined
        default:
            guard text.hasPrefix(prefix) else {
                throw SecurityError("choose \(what) profile: unknown profile \(text.debugDescription)")
            }
            return try localhost(what, text[...])
        }
    }

    private static let prefix = "localhost/"

    /// The old prefix is also met inside the new field.
    private static func localhost(_ what: String, _ reference: Substring) throws -> SecurityProfile {
        let name = reference.hasPrefix(prefix) ? reference.dropFirst(prefix.count) : reference
        guard !name.isEmpty, name.utf8.count <= 4_096, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw SecurityError("choose \(what) profile: localhost reference is empty, too long or not printable")
        }
        return .localhost(String(name))
    }
}
