public import CRI
public import ImageRoot
internal import Runtime

extension UserRequest {
    /// Whom a container's security context asks for, and otherwise the image. Throws InvalidArgument for a number that
    /// is no id.
    public init(_ security: LinuxContainerSecurityContext, imageUser: String) throws {
        self.init(imageUser: imageUser)
        uid = security.hasRunAsUser ? security.runAsUser.value : nil
        gid = security.hasRunAsGroup ? security.runAsGroup.value : nil
        username = security.runAsUsername
        supplementalGroups = security.supplementalGroups
        policy = security.supplementalGroupsPolicy == .strict ? .strict : .merge
        for number in [uid, gid].compactMap({ $0 }) where !(0...0xFFFF_FFFE).contains(number) {
            throw RuntimeError(.invalidArgument, "security context: id \(number) is outside the range of ids")
        }
    }
}
