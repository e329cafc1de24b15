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
    public static func mount(layers: [String], upper: Upper, at directory: String) throws {
        try OverlayMount.attach(layers: layers, upper: upper, at: directory)
    }
}
