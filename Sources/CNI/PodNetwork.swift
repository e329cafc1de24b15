internal import Linux
public import Logging
internal import Synchronization

/// The network that pods are attached to: a client of the CNI specification 1.1.0 that also reads older
/// configurations, and that knows after any crash which attachments are left to undo.
///
/// Every call may be made from anywhere at any time; calls about the same sandbox run one after another.
/// Nothing here blocks the caller's thread.
public final class PodNetwork: Sendable {
    /// Which of a pod's addresses is its first.
    public enum AddressPreference: String, Sendable, CaseIterable {
        /// The order of the plugins' result.
        case cni
        /// IPv4 before IPv6.
        case ipv4
        /// IPv6 before IPv4.
        case ipv6
    }

    /// Where things are and how long they may take.
    public struct Settings: Sendable {
        /// Directory of `*.conflist`, `*.conf` and `*.json`.
        public var configurationDirectory = "/etc/cni/net.d"
        /// The network of pods while that directory has none; nil for none.
        public var substitute: Network?
        /// Directories of plugins, searched in order.
        public var pluginDirectories = ["/opt/cni/bin", "/usr/lib/cni"]
        /// libcni's cache: `results/` below it holds one file an attachment. Shared with dockershim and cri-dockerd.
        public var cacheDirectory = "/var/lib/cni/cache"
        /// Directory of the journal; one small file for every operation under way. On a disk, for addresses that
        /// plugins gave out outlive a reboot.
        public var journalDirectory = "/var/lib/fender/cni"
        /// Time for the whole chain of an ADD.
        public var addTimeout = Duration.seconds(220)
        /// Time for the whole chain of a DEL, and of a CHECK or GC.
        public var deleteTimeout = Duration.seconds(60)
        /// Time for STATUS and VERSION.
        public var statusTimeout = Duration.seconds(5)
        /// Which address is the pod's IP.
        public var addressPreference = AddressPreference.cni
        /// Told of each run of a plugin for a pod; it must be quick.
        public var observer: (@Sendable (PluginRun) -> Void)?

        /// The defaults.
        public init() {}
    }

    let settings: Settings
    let logger: Logger
    let cache: AttachmentCache
    let journal: AttachmentJournal
    let locks = AttachmentLocks()
    let state: Mutex<State>

    struct State {
        var snapshot: NetworkSnapshot
        var podCIDRs: [String] = []
        var statusInFlight: Task<NetworkStatus, Never>?
        /// The namespaces of attached sandboxes.
        var held: [String: NetworkNamespace] = [:]
        /// Sandboxes that were torn down by us and have nothing on record: a repeated DEL has nothing to do.
        var tornDown: Set<String> = []
    }

    /// A client; reads the configuration directory once. ``run()`` keeps it read.
    public init(settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        cache = AttachmentCache(directory: settings.cacheDirectory)
        journal = AttachmentJournal(directory: settings.journalDirectory)
        let snapshot = NetworkSnapshot.load(settings.configurationDirectory, substitute: settings.substitute)
        state = Mutex(State(snapshot: snapshot))
    }

    /// The network that new pods get, and what is wrong with the files that were passed over.
    public var snapshot: NetworkSnapshot { state.withLock(\.snapshot) }

    /// Keeps the namespace of an attached sandbox until its DEL, for the owner's start.
    ///
    /// ADD does so itself. When the process that made the namespace dies, DEL can then still clean up inside, which
    /// also rids the host of rules that plugins find by the namespace's addresses. Throws CNIError when it is gone.
    public func hold(sandboxID: String, netns: String) async throws {
        let namespace = try await foreignNamespace(netns, verb: "")
        state.withLock { $0.held[sandboxID] = namespace }
    }

    /// Opens a namespace that must not be the host's.
    func foreignNamespace(_ path: String, verb: String) async throws -> NetworkNamespace {
        try await DedicatedThread.run {
            let namespace = try io(verb) { try NetworkNamespace(path: path) }
            guard try io(verb, { try !namespace.isOwn() }) else {
                throw CNIError(.invalidRequest, verb: verb, message: "\(path) is the host's namespace")
            }
            return namespace
        }
    }

    /// The pod address ranges that the kubelet gave (UpdateRuntimeConfig), for the `ipRanges` capability.
    public var podCIDRs: [String] {
        get { state.withLock(\.podCIDRs) }
        set { state.withLock { $0.podCIDRs = newValue } }
    }
}
