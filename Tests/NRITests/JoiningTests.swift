import Glibc
import Linux
import Logging
import NIOCore
import SwiftProtobuf
import Synchronization
import Testing

@testable import NRI

/// Plugins that come, and those that are no plugins.
@Suite struct JoiningTests {
    private func short(_ request: Duration = .milliseconds(300), registration: Duration = .seconds(5)) -> NRISettings {
        var settings = NRISettings()
        settings.requestLimit = request
        settings.registrationLimit = registration
        return settings
    }

    @Test func tooManyWhoDoNotRegisterAreTurnedAway() async throws {
        try await withInterface { interface, _, socket in
            var silent: [FakePlugin] = []
            for _ in 0..<NodeResourceInterface.newcomerLimit {
                silent.append(try await FakePlugin(socket: socket) { _, _ in nil })
            }
            // They are taken in at once, in no order.
            while interface.newcomers.withLock({ $0 }) < NodeResourceInterface.newcomerLimit {
                try await Task.sleep(for: .milliseconds(2))
            }
            let next = try await FakePlugin(socket: socket) { _, _ in nil }
            try await next.channel.closeFuture.get()
            #expect(silent.allSatisfy { $0.channel.isActive })
            #expect(interface.newcomers.withLock { $0 } == NodeResourceInterface.newcomerLimit)
            try await silent.removeLast().channel.close()
            // Whose place is free again.
            while interface.newcomers.withLock({ $0 }) == NodeResourceInterface.newcomerLimit {
                try await Task.sleep(for: .milliseconds(2))
            }
            _ = try await joined(interface, "00", "a", at: socket)
        }
    }

    @Test func whoJoinsIsShownWhatExistsAndMissesNothing() async throws {
        try await withInterface { interface, runtime, socket in
            let seen = Shared<Set<String>>([])
            let (release, sayRelease) = AsyncStream.makeStream(of: Void.self)
            async let made: Void = interface.undisturbed {
                for await _ in release {}
                runtime.state.withLock { $0.containers = [container] }
            }
            let plugin = try await FakePlugin(socket: socket) { method, payload in
                if method == "Configure" { return NRIConfigureResponse() }
                if method == "Synchronize", let request = try? NRISynchronizeRequest(serializedBytes: payload) {
                    seen.withLock { $0 = Set(request.containers.map(\.id)) }
                }
                return NRIEmpty()
            }
            _ = try await plugin.register("00", "a")
            #expect(await plugin.wait(for: "Configure"))
            // It waits for who was there first.
            sayRelease.finish()
            await made
            #expect(await plugin.wait(for: "Synchronize"))
            while interface.pluginCount == 0 { try await Task.sleep(for: .milliseconds(2)) }
            #expect(seen.withLock { $0 } == ["c"])
        }
    }

    @Test func whoLeavesMayComeBack() async throws {
        try await withInterface { interface, _, socket in
            for _ in 0..<3 {
                let plugin = try await joined(interface, "00", "a", at: socket)
                try await plugin.channel.close()
                while interface.pluginCount != 0 { try await Task.sleep(for: .milliseconds(2)) }
            }
        }
    }

    @Test(arguments: [("1", "a"), ("xx", "a"), ("00", ""), ("00", "../x")])
    func namesAreChecked(_ index: String, _ name: String) async throws {
        try await withInterface { interface, _, socket in
            let plugin = try await FakePlugin(socket: socket) { _, _ in NRIEmpty() }
            let answer = try await plugin.register(index, name)
            #expect(answer == nil || answer?.status.code == 3)
            try await plugin.channel.closeFuture.get()
            #expect(interface.pluginCount == 0)
        }
    }

    @Test func whoDoesNotRegisterIsLetGo() async throws {
        try await withInterface(short(registration: .milliseconds(200))) { _, _, socket in
            let plugin = try await FakePlugin(socket: socket) { _, _ in nil }
            try await plugin.channel.closeFuture.get()
        }
    }

    @Test func whoStallsWhileItJoinsHoldsNobodyForever() async throws {
        try await withInterface(short(registration: .milliseconds(200))) { interface, _, socket in
            let plugin = try await FakePlugin(socket: socket) { method, _ in
                method == "Configure" ? NRIConfigureResponse() : nil
            }
            _ = try await plugin.register("00", "a")
            #expect(await plugin.wait(for: "Synchronize"))
            await interface.undisturbed {}
            try await plugin.channel.closeFuture.get()
            #expect(interface.pluginCount == 0)
        }
    }

    @Test(arguments: [
        [UInt8](repeating: 0xFF, count: 64), [0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF],
        [0, 0, 0, 2, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0],
        [0, 0, 0, 2, 0, 0, 0, 10, 0xFF, 0, 0, 0, 0, 0, 0, 1, 1, 0],
    ])
    func hostileBytesEndTheirConnectionOnly(_ bytes: [UInt8]) async throws {
        try await withInterface { interface, _, socket in
            _ = try await joined(interface, "00", "a", at: socket, FakePlugin.setting("A"))
            let plugin = try await FakePlugin(socket: socket) { _, _ in nil }
            try await plugin.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
            try await plugin.channel.closeFuture.get()
            #expect(try await interface.createContainer(pod, container).env.count == 1)
        }
    }

    @Test func anAnswerThatIsNoMessageEndsTheConnection() async throws {
        try await withInterface { interface, _, socket in
            let plugin = try await joined(
                interface, "00", "a", at: socket,
                { method, _ in
                    // Field 1 of a response is a message, here cut short.
                    if method == "CreateContainer" { return NRIMount.make { $0.destination = "\u{8}" } }
                    return NRIEmpty()
                })
            #expect(try await interface.createContainer(pod, container) == .init())
            try await plugin.channel.closeFuture.get()
        }
    }

    @Test func aFloodOfCallsEndsTheConnection() async throws {
        try await withInterface { interface, _, socket in
            let plugin = try await joined(interface, "00", "a", at: socket)
            var flood = ByteBuffer()
            let request = TTRPCRequest.make {
                ($0.service, $0.method) = ("nri.pkg.api.v1alpha1.Runtime", "UpdateContainers")
            }
            for number in 0..<UInt32(5000) {
                try TTRPCFrame(stream: 101 + 2 * number, kind: 1, data: request.serializedBytes())
                    .write(to: &flood, lane: Lane.runtime)
            }
            plugin.channel.writeAndFlush(flood, promise: nil)
            try await plugin.channel.closeFuture.get()
            while interface.pluginCount != 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    @Test func theSocketIsOursAlone() async throws {
        try await withInterface { _, _, socket in
            var status = stat()
            #expect(stat(socket, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            var settings = NRISettings()
            settings.socket = socket
            let second = NodeResourceInterface(settings: settings, runtime: FakeRuntime(), logger: quiet)
            let error = await #expect(throws: NRIError.self) { try await second.run() }
            #expect(error?.description.contains("another runtime") == true)
        }
    }
}
