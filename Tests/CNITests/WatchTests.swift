import Glibc
import Linux
import Testing

@testable import CNI

/// New configuration is seen without a restart. The tests wait for what the log says, which comes with the change.
@Suite(.timeLimit(.minutes(1))) struct WatchTests {
    /// Runs the watch, makes changes one after another, and compares what network each came to.
    private func expect(
        _ bench: Bench, _ steps: [(change: () throws -> Void, network: String?)]
    ) async throws {
        let (changes, continuation) = AsyncStream.makeStream(of: String?.self)
        let network = bench.network(logging: { continuation.yield($0) })
        let running = Task { await network.run() }
        var iterator = changes.makeAsyncIterator()
        for step in steps {
            try step.change()
            #expect(await iterator.next() == .some(step.network))
            #expect(network.snapshot.network?.name == step.network)
        }
        running.cancel()
        await running.value
    }

    private func list(_ name: String) -> String {
        #"{"cniVersion":"1.0.0","name":"\#(name)","plugins":[{"type":"x"}]}"#
    }

    @Test func filesComeChangeAndGo() async throws {
        let bench = try await Bench()
        try await expect(
            bench,
            [
                ({ try bench.configure(list("first"), name: "20-a.conflist") }, "first"),
                ({ try bench.configure(list("earlier"), name: "10-b.conflist") }, "earlier"),
                ({ try bench.configure(list("renamed"), name: "10-b.conflist") }, "renamed"),
                ({ try Files.poke("\(bench.directory)/net.d/10-b.conflist", list("written")) }, "written"),
                ({ try Files.remove("\(bench.directory)/net.d/10-b.conflist") }, "first"),
                ({ try bench.configure("{", name: "20-a.conflist") }, nil),
            ])
    }

    @Test func directoryComesGoesAndComesBack() async throws {
        let bench = try await Bench()
        let folder = "\(bench.directory)/net.d"
        try system("rmdir", folder) { rmdir(folder) }
        try await expect(
            bench,
            [
                (
                    {
                        try Files.makeDirectories(folder)
                        try bench.configure(list("one"))
                    }, "one"
                ),
                ({ try system("rename") { rename(folder, "\(bench.directory)/away") } }, nil),
                ({ try system("rename") { rename("\(bench.directory)/away", folder) } }, "one"),
            ])
    }

    @Test func parentsMayBeMissingToo() async throws {
        let bench = try await Bench()
        let path = "\(bench.directory)/a/b/c"
        let (changes, continuation) = AsyncStream.makeStream(of: String?.self)
        let network = bench.network({ $0.configurationDirectory = path }, logging: { continuation.yield($0) })
        let running = Task { await network.run() }
        try Files.makeDirectories(path)
        try bench.write("a/b/c/10-x.conflist", list("deep"))
        var iterator = changes.makeAsyncIterator()
        #expect(await iterator.next() == "deep")
        running.cancel()
        await running.value
    }

    @Test func pluginsOfOtherFilesAreFollowed() async throws {
        let bench = try await Bench()
        try Files.makeDirectories("\(bench.directory)/net.d/one")
        try await expect(
            bench,
            [
                ({ try bench.configure(list("one")) }, "one"),
                ({ try bench.write("net.d/one/10-more.conf", #"{"type":"y"}"#) }, "one"),
            ])
    }

    @Test func endOfTheTaskEndsTheWatch() async throws {
        let bench = try await Bench()
        let network = bench.network()
        let running = Task { await network.run() }
        running.cancel()
        await running.value
    }
}
