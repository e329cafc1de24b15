internal import CExecutor
internal import Glibc
internal import Linux
internal import Synchronization

/// fender-monitor's program as a sealed copy in memory (CVE-2019-5736), made at its first use.
///
/// All processes that run it share its pages, so that one that stays costs little.
final class MonitorProgram: Sendable {
    let path: String
    private let copy = Mutex<Descriptor?>(nil)

    init(path: String) { self.path = path }

    /// The copy's descriptor, valid as long as this object is.
    func sealed() throws -> CInt {
        if let raw = copy.withLock({ $0?.raw }) { return raw }
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
