public import ArgumentParser
internal import CRI
internal import Glibc

/// `fender stats`: what the containers use, live.
public struct StatsCommand: AsyncParsableCommand {
    enum Order: String, ExpressibleByArgument, CaseIterable {
        case name
        case cpu
        case memory
    }

    /// What `--help` says.
    public static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what running containers use, again and again at a terminal; works with every CRI server.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print one table, although this is a terminal.")
    var once = false

    @Option(help: "Seconds between two tables, over which CPU time is measured.")
    var interval = 2.0

    @Option(help: "What to sort by.")
    var sort = Order.name

    @Flag(help: "Print the CRI's messages once, as a JSON array.")
    var json = false

    /// A command with no argument given.
    public init() {}

    /// Refuses what makes no sense.
    public func validate() throws {
        guard interval >= 0.1 else { throw ValidationError("--interval must be 0.1 at least") }
    }

    /// Prints tables until it is ended, or one. Throws ``RPCError`` when the daemon cannot be reached.
    public func run() async throws {
        try await connection.connected { connection in
            var before = try await connection.statistics()
            if json { return print(try jsonArray(before)) }
            var pods: [String: PodSandboxMetadata] = [:]
            let isLive = !once && isatty(1) == 1
            repeat {
                // CPU use is a difference: the first table waits for it too.
                try await Task.sleep(for: .seconds(interval))
                let now = try await connection.statistics()
                if now.contains(where: { pods[$0.attributes.id] == nil }) { pods = try await connection.pods() }
                let usage = Usage(from: before, to: now, pods, order: sort)
                // To the top left corner; what is below goes.
                print((isLive ? "\u{1B}[H\u{1B}[J" : "") + usage.lines.joined(separator: "\n"))
                before = now
            } while isLive
        }
    }
}

/// What containers used between two moments.
struct Usage {
    struct Row {
        var stats: ContainerStats
        var pod: PodSandboxMetadata?
        /// Nil for a container that was not there before.
        var nanoCores: UInt64?

        var name: (String, String, String) {
            (pod?.namespace ?? "-", pod?.name ?? "-", stats.attributes.metadata.name)
        }
    }

    let rows: [Row]

    /// `pods` names each container's, by its id.
    init(
        from before: [ContainerStats], to now: [ContainerStats], _ pods: [String: PodSandboxMetadata],
        order: StatsCommand.Order
    ) {
        let known = Dictionary(before.map { ($0.attributes.id, $0.cpu) }) { $1 }
        let rows = now.map { stats in
            Row(
                stats: stats, pod: pods[stats.attributes.id],
                nanoCores: known[stats.attributes.id].flatMap { Self.rate(from: $0, to: stats.cpu) })
        }
        self.rows = rows.sorted { left, right in
            switch order {
            case .cpu where left.nanoCores != right.nanoCores: (left.nanoCores ?? 0) > (right.nanoCores ?? 0)
            case .memory where left.memory != right.memory: left.memory > right.memory
            default: left.name < right.name
            }
        }
    }

    /// The server's own rate where it has no newer sample.
    private static func rate(from before: CpuUsage, to now: CpuUsage) -> UInt64? {
        let interval = now.timestamp - before.timestamp
        let (from, to) = (before.usageCoreNanoSeconds.value, now.usageCoreNanoSeconds.value)
        guard interval > 0, to >= from else { return now.hasUsageNanoCores ? now.usageNanoCores.value : nil }
        return UInt64(Double(to - from) / Double(interval) * 1e9)
    }

    /// A line for all and the table.
    var lines: [String] {
        let cpu = Quantities.cores(rows.reduce(0) { $0 + ($1.nanoCores ?? 0) })
        let memory = Quantities.bytes(rows.reduce(0) { $0 + $1.memory })
        var table = Table([
            ("NAMESPACE", .left), ("POD", .left), ("CONTAINER", .left), ("CPU", .right), ("MEMORY", .right),
            ("OF LIMIT", .right), ("SWAP", .right), ("WRITTEN", .right),
        ])
        for row in rows {
            let (namespace, pod, container) = row.name
            let stats = row.stats
            table.append([
                namespace, pod, container, row.nanoCores.map(Quantities.cores) ?? "-", Quantities.bytes(row.memory),
                row.share.map { "\($0)%" } ?? "-",
                stats.swap.hasSwapUsageBytes ? Quantities.bytes(stats.swap.swapUsageBytes.value) : "-",
                stats.writableLayer.hasUsedBytes ? Quantities.bytes(stats.writableLayer.usedBytes.value) : "-",
            ])
        }
        return ["\(rows.count) containers   CPU \(cpu)   memory \(memory)", ""] + table.lines
    }
}

extension Usage.Row {
    /// The working set, bytes.
    var memory: UInt64 { stats.memory.workingSetBytes.value }

    /// How much of its limit the working set is, in per cent; nil without a limit.
    var share: UInt64? {
        guard stats.memory.hasAvailableBytes else { return nil }
        let limit = memory + stats.memory.availableBytes.value
        return limit == 0 ? nil : UInt64((Double(memory) / Double(limit) * 100).rounded())
    }
}
