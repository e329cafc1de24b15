extension DockerEngine {
    /// `GET /version`.
    public func version(deadline: Duration? = defaultDeadline) async throws -> Docker.SystemVersion {
        try await fetch(Docker.SystemVersion.self, Request(.get, "/version", deadline: deadline))
    }

    /// `GET /info`.
    public func info(deadline: Duration? = defaultDeadline) async throws -> Docker.SystemInfo {
        try await fetch(Docker.SystemInfo.self, Request(.get, "/info", deadline: deadline))
    }

    /// `GET /system/df`; `types` such as `["image"]` leaves out the others from API 1.42 on.
    public func dataUsage(
        types: [String] = [], deadline: Duration? = defaultDeadline
    ) async throws -> Docker.SystemDataUsage {
        var request = Request(.get, "/system/df", deadline: deadline)
        let version = try await apiVersion
        if version >= APIVersion(1, 42) { for type in types { request.add("type", type) } }
        if version >= APIVersion(1, 52) { request.add("verbose", true) }
        return try await fetch(Docker.SystemDataUsage.self, request)
    }

    /// `GET /events`: what happens from `since` (or now) until `until` (or for ever).
    ///
    /// Times are nanoseconds since the epoch. The daemon keeps the last 256 events for `since`; one who must miss none
    /// passes a time before its last look. Returns when the daemon has answered. The reader holds the daemon back, so
    /// it must keep reading: dockerd skips a subscriber that blocks it for 100 ms. Without `until` the stream never
    /// ends well: a daemon that leaves ends it with ``DockerError/Kind/unavailable``. `deadline` is for the answer's
    /// head.
    public func events(
        since: Int64? = nil, until: Int64? = nil, filters: DockerFilters = [:], deadline: Duration? = defaultDeadline
    ) async throws -> DockerStream<Docker.EventMessage> {
        var request = Request(.get, "/events", deadline: deadline)
        request.add("since", since.map(Self.timestamp))
        request.add("until", until.map(Self.timestamp))
        try request.add(filters: filters)
        return DockerStream(body: try await open(request), call: request.name, endsWell: until != nil)
    }

    /// `seconds.nanoseconds`, as Docker reads times.
    private static func timestamp(_ nanoseconds: Int64) -> String {
        let decimals = String(nanoseconds % 1_000_000_000)
        return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 9 - decimals.utf8.count) + decimals
    }

    /// `GET /networks`.
    public func listNetworks(
        filters: DockerFilters = [:], deadline: Duration? = defaultDeadline
    ) async throws -> [Docker.Network] {
        var request = Request(.get, "/networks", deadline: deadline)
        try request.add(filters: filters)
        return try await fetch([Docker.Network].self, request)
    }
}
