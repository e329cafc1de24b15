internal import BackEnd
internal import CDI
internal import Linux
internal import NRI
internal import OCI
internal import Runtime
internal import Security

/// What plugins want, done to a container's config.json. What the executor cannot honour is refused.
struct SpecAdjustment {
    var wanted: NRIContainerAdjustment
    /// What the CDI devices among it stand for.
    var cdi = CDIEdits()

    func apply(to spec: JSON) throws -> JSON {
        var spec = spec
        var annotations = spec["annotations"]?.dictionary ?? [:]
        annotations.adjust(wanted.annotations)
        spec.set("annotations", .dictionary(annotations))
        try spec.change("process") { try adjust(process: &$0) }
        spec.changeArray("mounts") { adjust(mounts: &$0) }
        try spec.change("linux") { try adjust(linux: &$0) }
        adjustHooks(&spec)
        // Everything that the executor refuses is refused now, not at the start.
        _ = try Spec(parsing: spec.bytes)
        return spec
    }

    // MARK: Process

    private func adjust(process: inout JSON) throws {
        if !wanted.args.isEmpty { process.set("args", .strings(wanted.args)) }
        let changes =
            wanted.env.map { ($0.key, $0.value) }
            + cdi.env.map { entry in
                let name = entry.prefix { $0 != "=" }
                return (String(name), String(entry.dropFirst(name.utf8.count + 1)))
            }
        process.changeArray("env") { environment in
            for (key, value) in changes {
                let name = Removal.name(key)
                let place = environment.firstIndex { $0.text?.hasPrefix("\(name)=") ?? false }
                let isRemoval = Removal.of(key) != nil
                switch (place, isRemoval) {
                case (let place?, true): environment.remove(at: place)
                case (let place?, false): environment[place] = .string("\(name)=\(value)")
                case (nil, true): break
                case (nil, false): environment.append(.string("\(name)=\(value)"))
                }
            }
        }
        process.changeArray("rlimits") { limits in
            for limit in wanted.rlimits {
                limits.removeAll { $0["type"]?.text == limit.type }
                limits.append(
                    .compact([
                        ("type", .string(limit.type)), ("soft", .integer(limit.soft)), ("hard", .integer(limit.hard)),
                    ]))
            }
        }
        if wanted.linux.hasOomScoreAdj {
            process.set(
                "oomScoreAdj", .integer(OOMScore.clamp(Int(clamping: wanted.linux.oomScoreAdj.value)).value))
        }
        if !cdi.additionalGids.isEmpty {
            process.change("user") { user in
                user.changeArray("additionalGids") { $0 += cdi.additionalGids.map { .integer($0) } }
            }
        }
        try adjustScheduling(&process)
    }

    private func adjustScheduling(_ process: inout JSON) throws {
        let linux = wanted.linux
        if linux.hasIoPriority {
            let names = [NRIIOPrioClass.rt: "RT", .be: "BE", .idle: "IDLE"]
            let name = names[linux.ioPriority.class].map { "IOPRIO_CLASS_\($0)" }
            process.set(
                "ioPriority",
                name.map {
                    .compact([("class", .string($0)), ("priority", .integer(linux.ioPriority.priority))])
                })
        }
        guard linux.hasScheduler else { return }
        let policies: [NRILinuxSchedulerPolicy: String] = [
            .schedOther: "SCHED_OTHER", .schedFifo: "SCHED_FIFO", .schedRr: "SCHED_RR", .schedBatch: "SCHED_BATCH",
            .schedIso: "SCHED_ISO", .schedIdle: "SCHED_IDLE", .schedDeadline: "SCHED_DEADLINE",
        ]
        let flags = [
            "RESET_ON_FORK", "RECLAIM", "DL_OVERRUN", "KEEP_POLICY", "KEEP_PARAMS", "UTIL_CLAMP_MIN", "UTIL_CLAMP_MAX",
        ]
        let scheduler = linux.scheduler
        process.set(
            "scheduler",
            policies[scheduler.policy].map { policy in
                .compact([
                    ("policy", .string(policy)), ("nice", .integer(scheduler.nice)),
                    ("priority", .integer(scheduler.priority)),
                    (
                        "flags",
                        .strings(
                            scheduler.flags.compactMap {
                                flags.indices.contains($0.rawValue) ? "SCHED_FLAG_\(flags[$0.rawValue])" : nil
                            })
                    ),
                    ("runtime", .integer(scheduler.runtime)), ("deadline", .integer(scheduler.deadline)),
                    ("period", .integer(scheduler.period)),
                ])
            })
    }

    // MARK: Mounts

    private func adjust(mounts: inout [JSON]) {
        var added = wanted.mounts.filter { Removal.of($0.destination) == nil }.map {
            JSON.mount($0.destination, $0.type.isEmpty ? "bind" : $0.type, $0.source, $0.options)
        }
        added += cdi.mounts.map {
            .mount(
                $0.containerPath, $0.type.isEmpty ? "bind" : $0.type, $0.hostPath,
                $0.options.isEmpty ? ["rbind", "rprivate"] : $0.options)
        }
        if added.isEmpty && wanted.mounts.isEmpty { return }
        let touched = Set(
            wanted.mounts.map { Removal.name($0.destination) } + cdi.mounts.map(\.containerPath))
        mounts.removeAll { touched.contains($0["destination"]?.text ?? "") }
        mounts += added
        // A mount must not hide those below it.
        let depths = mounts.map { ($0["destination"]?.text ?? "").split(separator: "/").count }
        mounts = mounts.indices.sorted { (depths[$0], $0) < (depths[$1], $1) }.map { mounts[$0] }
    }

    // MARK: Hooks

    private func adjustHooks(_ spec: inout JSON) {
        let kinds: [(String, [NRIHook])] = [
            ("prestart", wanted.hooks.prestart), ("createRuntime", wanted.hooks.createRuntime),
            ("createContainer", wanted.hooks.createContainer), ("startContainer", wanted.hooks.startContainer),
            ("poststart", wanted.hooks.poststart), ("poststop", wanted.hooks.poststop),
        ]
        for (kind, hooks) in kinds {
            var added: [JSON] = hooks.map { hook in
                .compact([
                    ("path", .string(hook.path)), ("args", .strings(hook.args)), ("env", .strings(hook.env)),
                    ("timeout", hook.hasTimeout ? .integer(hook.timeout.value) : nil),
                ])
            }
            added += cdi.hooks.filter { $0.name == kind }.map { hook in
                .compact([
                    ("path", .string(hook.path)), ("args", .strings(hook.args)), ("env", .strings(hook.env)),
                    ("timeout", hook.timeout.map { .integer($0) }),
                ])
            }
            if added.isEmpty { continue }
            spec.change("hooks") { $0.changeArray(kind) { $0 += added } }
        }
    }
}
