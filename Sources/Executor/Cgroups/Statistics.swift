internal import Linux
internal import OCI

extension LegacyCgroups {
    func statistics() -> JSON {
        func number(_ controller: String, _ file: String) -> JSON? {
            directory(of: controller).flatMap { CgroupDirectory.number("\($0)/\(file)") }.map(JSON.integer)
        }
        func memory(_ prefix: String) -> JSON {
            .compact([
                ("limit", number("memory", "\(prefix).limit_in_bytes")),
                ("usage", number("memory", "\(prefix).usage_in_bytes")),
                ("max", number("memory", "\(prefix).max_usage_in_bytes")),
                ("failcnt", number("memory", "\(prefix).failcnt")),
            ])
        }
        return .compact([
            ("cpu", .compact([("usage", .compact([("total", number("cpuacct", "cpuacct.usage"))]))])),
            (
                "memory",
                .compact([
                    ("usage", memory("memory")), ("swap", memory("memory.memsw")),
                    ("raw", directory(of: "memory").map { Statistics.table("\($0)/memory.stat") }),
                ])
            ),
            ("pids", .compact([("current", number("pids", "pids.current")), ("limit", number("pids", "pids.max"))])),
        ])
    }
}

extension UnifiedCgroups {
    func statistics() -> JSON {
        func number(_ file: String) -> JSON? { CgroupDirectory.number("\(directory)/\(file)").map(JSON.integer) }
        let cpu = Statistics.table("\(directory)/cpu.stat")
        var total: JSON?
        if case .number(let text)? = cpu["usage_usec"], let value = UInt64(text) { total = .integer(value * 1000) }
        return .compact([
            ("cpu", .compact([("usage", .compact([("total", total)]))])),
            (
                "memory",
                .compact([
                    ("usage", .compact([("limit", number("memory.max")), ("usage", number("memory.current"))])),
                    ("raw", Statistics.table("\(directory)/memory.stat")),
                ])
            ),
            ("pids", .compact([("current", number("pids.current")), ("limit", number("pids.max"))])),
        ])
    }
}

/// Files of "key number" lines.
enum Statistics {
    static func table(_ path: String) -> JSON {
        let lines = ((try? Files.text(path)) ?? "").split(separator: "\n")
        return .object(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 2, UInt64(words[1]) != nil else { return nil }
                return JSON.Member(String(words[0]), .number(String(words[1])))
            })
    }
}
