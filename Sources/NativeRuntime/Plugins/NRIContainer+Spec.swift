internal import NRI
internal import OCI

extension NRIContainer {
    /// What config.json says of a container.
    init(spec: JSON) {
        self.init()
        let process = spec["process"] ?? .null
        args = process["args"]?.texts ?? []
        env = process["env"]?.texts ?? []
        annotations = spec["annotations"]?.dictionary ?? [:]
        mounts = (spec["mounts"]?.elements ?? []).map { mount in
            var result = NRIMount()
            result.destination = mount["destination"]?.text ?? ""
            result.type = mount["type"]?.text ?? ""
            result.source = mount["source"]?.text ?? ""
            result.options = mount["options"]?.texts ?? []
            return result
        }
        rlimits = (process["rlimits"]?.elements ?? []).map { limit in
            var result = NRIPOSIXRlimit()
            result.type = limit["type"]?.text ?? ""
            result.soft = limit["soft"]?.number() ?? 0
            result.hard = limit["hard"]?.number() ?? 0
            return result
        }
        if let score = process["oomScoreAdj"]?.number(as: Int64.self) { linux.oomScoreAdj.value = score }
        user.uid = process["user"]?["uid"]?.number() ?? 0
        user.gid = process["user"]?["gid"]?.number() ?? 0
        user.additionalGids = (process["user"]?["additionalGids"]?.elements ?? []).compactMap { $0.number() }
        take(linux: spec["linux"] ?? .null)
    }

    private mutating func take(linux spec: JSON) {
        linux.cgroupsPath = spec["cgroupsPath"]?.text ?? ""
        linux.sysctl = spec["sysctl"]?.dictionary ?? [:]
        linux.namespaces = (spec["namespaces"]?.elements ?? []).map { namespace in
            var result = NRILinuxNamespace()
            result.type = namespace["type"]?.text ?? ""
            result.path = namespace["path"]?.text ?? ""
            return result
        }
        linux.devices = (spec["devices"]?.elements ?? []).map { device in
            var result = NRILinuxDevice()
            result.path = device["path"]?.text ?? ""
            result.type = device["type"]?.text ?? ""
            result.major = device["major"]?.number() ?? 0
            result.minor = device["minor"]?.number() ?? 0
            if let mode = device["fileMode"]?.number(as: UInt32.self) { result.fileMode.value = mode }
            if let uid = device["uid"]?.number(as: UInt32.self) { result.uid.value = uid }
            if let gid = device["gid"]?.number(as: UInt32.self) { result.gid.value = gid }
            return result
        }
        linux.resources = NRILinuxResources(spec: spec["resources"] ?? .null)
    }
}

extension NRILinuxResources {
    fileprivate init(spec: JSON) {
        self.init()
        let (memory, cpu) = (spec["memory"] ?? .null, spec["cpu"] ?? .null)
        if let value = memory["limit"]?.number(as: Int64.self) { self.memory.limit.value = value }
        if let value = memory["reservation"]?.number(as: Int64.self) { self.memory.reservation.value = value }
        if let value = memory["swap"]?.number(as: Int64.self) { self.memory.swap.value = value }
        if let value = cpu["shares"]?.number(as: UInt64.self) { self.cpu.shares.value = value }
        if let value = cpu["quota"]?.number(as: Int64.self) { self.cpu.quota.value = value }
        if let value = cpu["period"]?.number(as: UInt64.self) { self.cpu.period.value = value }
        self.cpu.cpus = cpu["cpus"]?.text ?? ""
        self.cpu.mems = cpu["mems"]?.text ?? ""
        if let value = spec["pids"]?["limit"]?.number(as: Int64.self) { pids.limit = value }
        unified = spec["unified"]?.dictionary ?? [:]
        hugepageLimits = (spec["hugepageLimits"]?.elements ?? []).map { limit in
            var result = NRIHugepageLimit()
            result.pageSize = limit["pageSize"]?.text ?? ""
            result.limit = limit["limit"]?.number() ?? 0
            return result
        }
    }
}
