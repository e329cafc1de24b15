import Glibc
import TestScratch
import Testing

@testable import Statistics

@Suite("Passes")
struct CollectorTests {
    @Test("a rate is the difference of two samples over the time between")
    func rate() {
        var rate = Rate()
        let start = ContinuousClock.now
        rate.update(1_000, at: start)
        #expect(rate.nanoCores == nil)
        rate.update(500_001_000, at: start + .seconds(1))
        #expect(rate.nanoCores == 500_000_000)
        // Too short to say anything: the last answer stands.
        rate.update(900_001_000, at: start + .milliseconds(1100))
        #expect(rate.nanoCores == 500_000_000)
        rate.update(4_500_001_000, at: start + .seconds(3))
        #expect(rate.nanoCores == 2_000_000_000)
        // Another container's counter.
        rate.update(5, at: start + .seconds(5))
        #expect(rate.nanoCores == nil)
    }

    @Test("what does not run, is gone or is another's has no sample")
    func absent() async {
        let collector = StatisticsCollector()
        let samples = await collector.samples(
            of: [
                StatisticsSubject(id: "stopped", pid: 0), StatisticsSubject(id: "gone", pid: 0x7fff_fff0),
                // Our process is in no cgroup of that name.
                StatisticsSubject(id: "another-container", pid: getpid()),
            ], depth: .usage)
        #expect(samples.isEmpty)
    }

    @Test("many callers at once share passes and all get an answer")
    func together() async {
        let collector = StatisticsCollector()
        await withTaskGroup(of: Int.self) { group in
            for number in 0..<50 {
                group.addTask {
                    await collector.samples(
                        of: [StatisticsSubject(id: "x\(number % 5)", pid: getpid())],
                        depth: number % 2 == 0 ? .metrics : .usage
                    ).count
                }
            }
            for await count in group { #expect(count == 0) }
        }
    }
}
