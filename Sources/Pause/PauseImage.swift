/// The image of the container that holds a pod's namespaces open: one static program of a few hundred
/// bytes, built in so that a node needs no registry to start pods.
///
/// The program's source is packaging/pause/pause.c; `make pause` rebuilds what is embedded here.
public enum PauseImage {
    /// The processor architectures the image is built for, by the names container images use.
    public enum Architecture: String, CaseIterable, Sendable {
        case amd64
        case arm64

        /// The one this program runs on.
        public static var running: Architecture {
            #if arch(x86_64)
                return .amd64
            #elseif arch(arm64)
                return .arm64
            #endif
        }
    }

    /// The name the archive tags the image with. Its version changes whenever its contents do.
    public static var reference: String { taggedReference }

    /// The image id, `sha256:` and the hexadecimal digest of its configuration, which is what Docker's
    /// graph-driver store calls it; Docker's containerd store names the manifest's digest instead.
    public static func id(_ architecture: Architecture = .running) -> String {
        identifier(of: architecture)
    }

    /// The image as a gzipped docker-archive, the form `POST /images/load` and `docker load` take.
    public static func archive(_ architecture: Architecture = .running) -> [UInt8] {
        decodeBase64(encodedArchive(of: architecture).utf8)
    }
}
