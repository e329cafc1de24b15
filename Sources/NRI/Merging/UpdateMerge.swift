/// What the plugins want of containers that exist.
struct UpdateMerge: Sendable {
    var owners = Owners()
    private var order: [String] = []
    private var byID: [String: NRIContainerUpdate] = [:]

    /// With nothing wanted.
    init() {}

    /// What the caller itself wants of a container; plugins may change it.
    init(_ resources: NRILinuxResources, of container: String) {
        var update = NRIContainerUpdate()
        update.containerID = container
        update.linux.resources = resources
        order = [container]
        byID = [container: update]
    }

    /// All updates, in the order of the first wish for each.
    var updates: [NRIContainerUpdate] { order.compactMap { byID[$0] } }

    /// What is wanted of one container.
    func resources(of container: String) -> NRILinuxResources? { byID[container]?.linux.resources }

    /// Takes a wish in. Throws ``Owners/Conflict``, unless the plugin can do without.
    mutating func take(_ update: NRIContainerUpdate, from plugin: String) throws {
        let id = update.containerID
        do {
            var copy = owners
            for claim in update.linux.resources.claims { try copy.claim(claim, of: id, by: plugin) }
            owners = copy
        } catch let error {
            if update.ignoreFailure { return }
            throw error
        }
        guard var known = byID[id] else {
            order.append(id)
            byID[id] = update
            return
        }
        known.linux.resources.overlay(update.linux.resources)
        known.ignoreFailure = known.ignoreFailure && update.ignoreFailure
        byID[id] = known
    }
}
