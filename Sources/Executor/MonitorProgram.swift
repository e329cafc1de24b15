internal import CExecutor
internal import Glibc
internal import Linux
internal import Synchronization

/// fender-monitor's program where nobody in a container can write to it (CVE-2019-5736), made at its first use: a sealed
/// copy in memory, or the file behind a read-only mount.
///
/// All processes that run it share its pages, so that one that stays costs little.
final class MonitorProgram: Sendable {
    let path: String
    /// Whether a read-only mount will do, which a process that ends soon has for less than a copy.
    private let isShortLived: Bool
    private let copy = Mutex<Descriptor?>(nil)

    init(path: String, isShortLived: Bool) {
        self.path = path
        self.isShortLived = isShortLived
    }

    /// The copy's descriptor, valid as long as this object is.
    func sealed() throws -> CInt {
        if let raw = copy.withLock({ $0?.raw }) { return raw }
        if isShortLived, case let mount = fender_read_only(path), mount >= 0 { return keep(Descriptor(owning: mount)) }
        let file = try Descriptor.open(path, O_RDONLY)
        let raw = file.raw
        let made = Descriptor(owning: try system("copy", path) { fender_sealed_copy(raw) })
        return keep(made)
    }

    /// Two may have made one at once: the first is kept.
    private func keep(_ made: consuming Descriptor) -> CInt {
        var candidate: Descriptor? = made
        return copy.withLock { held in
            if let raw = held?.raw { return raw }
            held = candidate.take()
            return held?.raw ?? -1
        }
    }
}
