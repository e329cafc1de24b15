internal import ImageRoot
internal import Linux

extension ImageStore {
    /// Nil when root file systems can be made for user namespaces, and otherwise why not. Tries it, which takes
    /// milliseconds: it is for the kernel, the machine's limits and the store's file system to say.
    public func obstacleToUserNamespaces() -> String? {
        let place = hiddenPlace()
        defer { try? DirectoryTree.remove(place) }
        do {
            for name in ["lower", "upper", "work", "root"] {
                try Files.makeDirectories("\(place)/\(name)", mode: 0o700)
            }
            let range = IDRange(inside: 0, host: 1, count: 1)
            let holder = try NamespaceHolder.make(IDMaps(users: [range], groups: [range]))
            try ContainerRoot.mount(
                layers: ["\(place)/lower"], upper: .init(directory: "\(place)/upper", work: "\(place)/work"),
                through: holder.path(.user), at: "\(place)/root")
            try ImageVolumeMount.unmount("\(place)/root")
            return nil
        } catch {
            return "\(error)"
        }
    }
}
