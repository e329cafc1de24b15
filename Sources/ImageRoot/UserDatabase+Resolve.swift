/// Which user a container is to run as: CRI `LinuxContainerSecurityContext` and the image's own setting.
public struct UserRequest: Sendable, Equatable {
    /// CRI `SupplementalGroupsPolicy`.
    public enum GroupsPolicy: Sendable {
        /// The groups asked for and those the image's /etc/group lists the user in.
        case merge
        /// The groups asked for only.
        case strict
    }

    /// `run_as_user`.
    public var uid: Int64?
    /// `run_as_username`; counts without ``uid``.
    public var username = ""
    /// `run_as_group`.
    public var gid: Int64?
    /// The image configuration's `User`: `user`, `uid`, `user:group` or `uid:gid`; counts when the CRI names
    /// no user.
    public var imageUser = ""
    /// `supplemental_groups`.
    public var supplementalGroups: [Int64] = []
    /// `supplemental_groups_policy`.
    public var policy = GroupsPolicy.merge

    /// The image's own user.
    public init(imageUser: String = "") {
        self.imageUser = imageUser
    }
}

/// The user a container runs as, in numbers.
public struct ResolvedUser: Sendable, Equatable {
    /// User id.
    public var uid: UInt32
    /// Primary group id.
    public var gid: UInt32
    /// Supplementary groups; the primary group comes first, so that dropping it gives nothing away
    /// (CVE-2022-36109), then those asked for and those of the image, without repeats.
    public var groups: [UInt32]
    /// Home directory; nil when the image does not know the user.
    public var home: String?

    /// A user out of known numbers.
    public init(uid: UInt32, gid: UInt32, groups: [UInt32], home: String? = nil) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.home = home
    }
}

extension UserDatabase {
    /// The numbers a container runs under.
    ///
    /// A text of digits, with or without a sign, is never looked up as a name (CVE-2024-40635). Throws
    /// ``ImageRootError``: `invalid` for a number outside of 32 bits or a group without a user, `notFound` for
    /// a name that the image does not define.
    public func resolve(_ request: UserRequest) throws -> ResolvedUser {
        let (userText, groupText) = try parts(of: request)
        let uid: UInt32
        let known: User?
        if let number = try Self.number(userText, "user") {
            uid = number
            known = users.first { $0.uid == number }
        } else {
            guard let user = users.first(where: { $0.name == userText }) else {
                throw ImageRootError(.notFound, "find user \(userText.debugDescription): the image does not define it")
            }
            uid = user.uid
            known = user
        }
        let gid = try groupText.map(group) ?? known?.gid ?? 0
        var groups = [gid]
        for asked in request.supplementalGroups { groups.append(try Self.number("\(asked)", "group") ?? 0) }
        if request.policy == .merge, let name = known?.name {
            groups += self.groups.filter { $0.members.contains(name) }.map(\.gid)
        }
        var seen: Set<UInt32> = []
        return ResolvedUser(
            uid: uid, gid: gid, groups: groups.filter { seen.insert($0).inserted }, home: known?.home)
    }

    /// The image's `User` as CRI `Image` has it: `uid` when it is a number, else `username`.
    public static func imageUser(_ text: String) -> (uid: Int64?, username: String) {
        let user = text.prefix { $0 != ":" }
        if user.isEmpty { return (nil, "") }
        if let uid = Int64(user) { return (uid, "") }
        return (nil, String(user))
    }

    /// User and group as text; nil for the user's own group.
    private func parts(of request: UserRequest) throws -> (user: String, group: String?) {
        let asked = request.uid.map { "\($0)" } ?? request.username
        if !asked.isEmpty { return (asked, request.gid.map { "\($0)" }) }
        guard request.gid == nil else {
            throw ImageRootError(.invalid, "choose user: run_as_group is set without run_as_user or run_as_username")
        }
        let fields = request.imageUser.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = fields.first.map(String.init) ?? ""
        let group = fields.count > 1 && !fields[1].isEmpty ? String(fields[1]) : nil
        return (user.isEmpty ? "0" : user, group)
    }

    private func group(_ text: String) throws -> UInt32 {
        if let number = try Self.number(text, "group") { return number }
        guard let group = groups.first(where: { $0.name == text }) else {
            throw ImageRootError(.notFound, "find group \(text.debugDescription): the image does not define it")
        }
        return group.gid
    }

    /// Nil for a name.
    private static func number(_ text: String, _ kind: String) throws -> UInt32? {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        guard !digits.isEmpty, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        guard let number = id(text.utf8) else {
            throw ImageRootError(.invalid, "use \(kind) id \(text): not between 0 and 4294967294")
        }
        return number
    }
}
