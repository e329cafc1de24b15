internal import Linux

/// An operation that the journal holds: it was begun, and nobody has said that it ended.
public struct PendingOperation: Sendable, Equatable {
    /// What was being done.
    public enum Verb: String, Sendable {
        /// An ADD: the sandbox may hold an address or not.
        case add = "ADD"
        /// A DEL: it has to be done again.
        case delete = "DEL"
    }
    /// What was being done.
    public var verb: Verb
    /// Whose network it is.
    public var sandboxID: String
    /// The network's name.
    public var network: String
}

extension PodNetwork {
    /// Follows the configuration directory by inotify until the task is cancelled; the directory may come, go and
    /// come back.
    public func run() async {}

    /// Whether pods can get a network now; asks the plugins (STATUS) where the configuration's version has it,
    /// for at most ``Settings/statusTimeout``. Calls made at the same time share one answer.
    public func status() async -> NetworkStatus { .good }

    /// ADD: attaches a sandbox to the network, brings its loopback up, and keeps the result in libcni's cache.
    ///
    /// A failed ADD has been followed by DEL when this throws. A cancelled one kills the plugin and throws at once;
    /// its DEL goes on by itself, and later calls for the sandbox wait for it.
    /// Throws ``CNIError``, or `CancellationError`.
    public func add(_ attachment: PodAttachment) async throws -> NetworkResult {
        throw CNIError(.noNetwork, message: "")
    }

    /// DEL: frees all that ADD gave, with the configuration that ADD used, whatever the directory holds now.
    ///
    /// Repeating it is fine, and so is a namespace that is gone: `attachment.netns` is then empty or leads nowhere.
    /// Never pass the path of a process that may have ended. Throws ``CNIError``.
    public func delete(_ attachment: PodAttachment) async throws {}

    /// DEL for a sandbox of which only the id is known, without a namespace.
    public func delete(sandboxID: String) async throws {}

    /// CHECK: throws when the sandbox's network is not as ADD left it; does nothing where the configuration's version
    /// has no CHECK or disables it.
    public func check(_ attachment: PodAttachment) async throws {}

    /// GC: tells the plugins which sandboxes are alive, so that they free what belongs to no other.
    ///
    /// Deletes orphans first. Waits for the moment when no other operation runs, and holds new ones meanwhile.
    public func collectGarbage(live: Set<String>) async throws {}

    /// VERSION: the versions of the specification that a plugin speaks.
    public func versions(ofPlugin type: String) async throws -> [String] { [] }

    /// What a crash left half done, oldest first.
    public func pending() async throws -> [PendingOperation] { [] }

    /// The sandboxes that libcni's cache knows and `live` does not: their addresses are still taken.
    public func orphans(live: Set<String>) async throws -> [String] { [] }

    /// Undoes what is pending or orphaned, given the sandboxes that live. A live sandbox's unfinished ADD is undone too
    /// unless its result had been cached. Answers the ids that could not be undone, with the reason.
    public func reconcile(live: Set<String>) async throws -> [String: any Error] { [:] }

    /// The result of the sandbox's ADD as libcni's cache has it; nil when there is none.
    public func cachedResult(sandboxID: String, interface: String = "eth0") async throws -> NetworkResult? { nil }

    /// The global addresses of a pod's interface as the kernel has them now, the pod's IP first.
    ///
    /// - Parameter result: the ADD's result, whose order decides; without one IPv4 comes first.
    /// Throws when the namespace is gone. Costs one short thread and three netlink messages.
    public func addresses(netns: String, interface: String = "eth0", result: NetworkResult? = nil) async throws
        -> [String]
    {
        []
    }
}
