public import NRI
public import Runtime

/// What NRI plugins reach through ``PluginHooks``: a back end.
public protocol PluginTarget: AnyObject, Sendable {
    /// Everything there is.
    var world: World { get }
    /// A container as its process sees it: arguments, environment, mounts, devices, limits.
    func describe(_ container: ContainerRecord) async throws -> NRIContainer
    /// Changes limits without asking plugins; all of them or none.
    func apply(_ limits: PluginLimits, to container: ContainerRecord) async throws
    /// Stops with a grace period of `timeout` seconds.
    func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws
}

/// A container that is being created, for plugins to adjust.
public protocol PluginCreation: Sendable {
    /// Makes it as it is without plugins; answers its id.
    func make() async throws -> String
    /// The container as it is without plugins.
    func plain() async throws -> NRIContainer
    /// Makes it as plugins want it, also another time; answers its id then.
    func adjust(_ adjustment: NRIContainerAdjustment) async throws -> String
    /// Makes it visible.
    func commit() async throws
}
