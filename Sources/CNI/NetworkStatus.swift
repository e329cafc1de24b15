/// Whether pods can be given a network now: the CRI's NetworkReady condition.
public struct NetworkStatus: Sendable, Equatable {
    /// Whether ADD can be expected to work.
    public var ready: Bool
    /// A CamelCase reason; empty when ready. `NetworkPluginNotReady` otherwise, as the kubelet knows it.
    public var reason: String
    /// What is wrong, for people; empty when ready.
    public var message: String

    static let good = NetworkStatus(ready: true, reason: "", message: "")

    static func bad(_ message: String) -> NetworkStatus {
        NetworkStatus(ready: false, reason: "NetworkPluginNotReady", message: message)
    }
}
