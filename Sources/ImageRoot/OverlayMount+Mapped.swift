internal import CLinux
internal import Glibc
internal import Linux

/// Layers whose files are shown as a user namespace's (id-mapped mounts as overlayfs takes them: Linux 5.19).
extension OverlayMount {
    /// As ``attach(layers:upper:at:method:)``, with the layers' owners seen through the user namespace at `space`.
    ///
    /// What is written is stored as the namespace's users are on the host.
    static func attach(
        layers: [String], upper: ContainerRoot.Upper?, through space: String, at target: String, method: Method? = nil
    ) throws {
        try reporting(layers) {
            let mount =
                layers.count > 1 || upper != nil
                ? try union(layers, upper, space, method) : try mapped(layers[0], openSpace(space))
            let number = mount.raw
            if upper == nil {
                let attributes = FENDER_MOUNT_ATTR_RDONLY | FENDER_MOUNT_ATTR_NOSUID | FENDER_MOUNT_ATTR_NODEV
                try system("mount_setattr", target) { fender_restrict_mount(number, CUnsignedInt(attributes)) }
            }
            let place = try Descriptor.open(target, pathOnly | O_DIRECTORY | O_NOFOLLOW)
            let onto = place.raw
            try system("move_mount", target) { fender_attach_mount(number, onto) }
        }
    }

    private static func openSpace(_ path: String) throws -> Descriptor { try Descriptor.open(path, O_RDONLY) }

    /// A copy of the mount at a path, its ids mapped, attached nowhere.
    private static func mapped(_ path: String, _ space: borrowing Descriptor) throws -> Descriptor {
        let mount = Descriptor(owning: try system("open_tree", path) { fender_copy_mount(path) })
        let (number, users) = (mount.raw, space.raw)
        try system("map ids", path) { fender_map_mount(number, users) }
        return mount
    }

    /// Before Linux 6.15 overlayfs takes only what is mounted in its mounter's namespace: each layer is mounted over
    /// itself on a thread that has one of its own, and all that goes with the thread. The overlay keeps what it needs.
    private static func union(
        _ layers: [String], _ upper: ContainerRoot.Upper?, _ space: String, _ method: Method?
    ) throws -> Descriptor {
        Descriptor(
            owning: try OwnThread.run {
                try system("unshare") { fender_unshare_mounts() }
                let users = try openSpace(space)
                for layer in layers { try cover(layer, users) }
                let directories = try LayerDirectories(layers, upper: upper)
                switch try method ?? best(directories) {
                case .layerByLayer: return try detached(directories).release()
                case .onThread:
                    try mountHere(directories, at: layers[0])
                    return try system("open_tree", layers[0]) { fender_copy_mount(layers[0]) }
                }
            })
    }

    private static func cover(_ layer: String, _ users: borrowing Descriptor) throws {
        let mount = try mapped(layer, users)
        let place = try Descriptor.open(layer, pathOnly | O_DIRECTORY)
        let (number, onto) = (mount.raw, place.raw)
        try system("move_mount", layer) { fender_attach_mount(number, onto) }
    }
}
