/// Root file systems of containers: an image's layers with a directory above them that takes what is written.
///
/// Unlike ``ImageVolumeMount`` these have set-user-id programs and devices, as a container's root has.
public enum ContainerRoot {
    /// The directories above the layers, both on one file system.
    public struct Upper: Sendable {
        /// Holds what was changed.
        public var directory: String
        /// Empty, for the kernel's own use.
        public var work: String

        /// Directories that exist.
        public init(directory: String, work: String) {
            self.directory = directory
            self.work = work
        }
    }

    /// Mounts the layers, the topmost first, below `upper` at an existing directory. Throws ``ImageRootError``. Blocks.
    ///
    /// What is written is not sure to be on disk when the machine dies, whatever the container syncs, and cannot be
    /// mounted again then. ``ImageVolumeMount/unmount(_:)`` undoes it.
    ///
    /// With a user namespace at the path `space` the layers' owners are seen through it: what root of the image owns is
    /// root's of the namespace (Linux 5.19). The upper directory is as it is.
    public static func mount(
        layers: [String], upper: Upper, through space: String? = nil, at directory: String
    ) throws {
        guard let space else { return try OverlayMount.attach(layers: layers, upper: upper, at: directory) }
        try OverlayMount.attach(layers: layers, upper: upper, through: space, at: directory)
    }
}
