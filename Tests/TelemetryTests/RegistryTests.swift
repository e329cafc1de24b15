import Testing

@testable import Telemetry

@Suite struct RegistryTests {
    @Test func countersShowEveryLabelSetInOrder() {
        let registry = Registry()
        let counter = registry.counter("calls_total", "Calls.", labels: ["method", "code"])
        #expect(registry.text().isEmpty)
        counter.add(1, "Stop", "OK")
        counter.add(2, "Run", "OK")
        counter.add(1, "Run", "OK")
        #expect(
            registry.text() == """
                # HELP calls_total Calls.
                # TYPE calls_total counter
                calls_total{method="Run",code="OK"} 3
                calls_total{method="Stop",code="OK"} 1

                """)
    }

    @Test func aCounterWithoutLabelsBeginsAtZero() {
        let registry = Registry()
        _ = registry.counter("x_total", "X.")
        #expect(registry.text().hasSuffix("\nx_total 0\n"))
    }

    @Test(arguments: [
        (0.1, ["1", "1", "1"]), (0.5, ["1", "1", "1"]), (0.6, ["0", "1", "1"]), (2.0, ["0", "0", "1"]),
    ])
    func bucketsCountWhatIsNotAboveTheirBound(_ value: Double, _ counts: [String]) {
        let registry = Registry()
        registry.histogram("t", "T.", buckets: [0.5, 1]).observe(value)
        let lines = registry.text().split(separator: "\n").dropFirst(2)
        #expect(
            lines == [
                "t_bucket{le=\"0.5\"} \(counts[0])", "t_bucket{le=\"1\"} \(counts[1])",
                "t_bucket{le=\"+Inf\"} \(counts[2])", "t_sum \(Head.number(value))", "t_count 1",
            ])
    }

    @Test func labelValuesAreEscaped() {
        let registry = Registry()
        registry.read("g", "G.", labels: ["l"]) { [Sample(["a\"b\\c\nd"], 1.5)] }
        #expect(registry.text().hasSuffix(#"g{l="a\"b\\c\nd"} 1.5"# + "\n"))
    }

    @Test func whatCannotBeReadIsLeftOut() {
        let registry = Registry()
        registry.read("g", "G.") { nil }
        #expect(registry.text().isEmpty)
    }

    @Test func theProcessIsThere() {
        let registry = Registry()
        registry.readProcess()
        let text = registry.text()
        for name in ["resident_memory_bytes", "open_fds", "cpu_seconds_total", "start_time_seconds", "threads"] {
            let line = text.split(separator: "\n").first { $0.hasPrefix("process_\(name) ") }
            #expect(line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0 > 0, "\(name)")
        }
    }
}
