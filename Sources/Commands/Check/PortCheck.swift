internal import Configuration
internal import Linux

/// Whether the TCP ports are free that the settings name.
struct PortCheck {
    private let node: Node
    private let area = "ports"

    init(_ node: Node) { self.node = node }

    /// `isServing` says whether Fender runs: a port that is taken is then likely its own.
    func findings(isServing: Bool) -> [Finding] {
        let settings = node.settings
        var wanted = [("streaming-bind-addr", settings.streamingBindAddress.port)]
        if case .tcp(let address) = settings.metricsBindAddress { wanted.append(("metrics-bind-addr", address.port)) }
        let taken = listening
        // Port 0 is any that is free.
        return wanted.filter { $0.1 != 0 }.map { option, port in
            let text = "port \(port) of \(option)"
            if !taken.contains(port) { return .pass(area, "\(text) is free") }
            return isServing
                ? .pass(area, "\(text) is listened at, and Fender runs")
                : .fail(area, "\(text) is taken", "Set another, or end who has it: ss --tcp --listening --processes.")
        }
    }

    /// The ports that somebody listens at (proc_pid_net(5): state 0A, the port in hexadecimal behind the address).
    private var listening: Set<Int> {
        let lines = ["tcp", "tcp6"].flatMap { (node.text("/proc/net/\($0)") ?? "").split(separator: "\n").dropFirst() }
        return Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard words.count > 3, words[3] == "0A" else { return nil }
                return words[1].split(separator: ":").last.flatMap { Int($0, radix: 16) }
            })
    }
}
