import Glibc
import Linux
import Logging
import NIOCore
import SwiftProtobuf
import Synchronization
import Testing

@testable import NRI

@Suite struct PluginTests {
    private func short(_ request: Duration = .milliseconds(300), registration: Duration = .seconds(5)) -> NRISettings {
        var settings = NRISettings()
        settings.requestLimit = request
        settings.registrationLimit = registration
        return settings
    }

    /// Sets one environment variable.
    private static func setting(_ name: String) -> FakePlugin.Answer {
        { method, _ in
            guard method == "CreateContainer" else { return NRIEmpty() }
            return NRICreateContainerResponse.make { $0.adjust.env = [.make { $0.key = name }] }
        }
    }

    @Test func pluginsAreAskedByTheirIndex() async throws {
        try await withInterface { interface, _, socket in
            let order = Shared<[String]>([])
            func recording(_ name: String) -> FakePlugin.Answer {
                { method, _ in
                    if method == "RunPodSandbox" { order.withLock { $0.append(name) } }
                    return NRIEmpty()
                }
            }
            let plugins = [
                try await joined(interface, "20", "c", at: socket, recording("20")),
                try await joined(interface, "00", "a", at: socket, recording("00")),
                try await joined(interface, "10", "b", at: socket, recording("10")),
            ]
            try await interface.tell(.runPodSandbox, pod)
            #expect(order.withLock { $0 } == ["00", "10", "20"])
            for plugin in plugins { try await plugin.channel.close() }
        }
    }

    @Test func adjustmentsOfTwoAddUp() async throws {
        try await withInterface { interface, _, socket in
            _ = try await joined(interface, "00", "a", at: socket, Self.setting("A"))
            _ = try await joined(interface, "10", "b", at: socket, Self.setting("B"))
            let adjustment = try await interface.createContainer(pod, container)
            #expect(adjustment.env.map(\.key) == ["A", "B"])
        }
    }

    @Test func aConflictFailsTheCreationAndNoPluginIsLost() async throws {
        try await withInterface { interface, _, socket in
            _ = try await joined(interface, "00", "a", at: socket, Self.setting("A"))
            _ = try await joined(interface, "10", "b", at: socket, Self.setting("A"))
            let error = await #expect(throws: NRIError.self) { try await interface.createContainer(pod, container) }
            #expect(error?.description.contains("00-a") == true && error?.description.contains("10-b") == true)
            #expect(interface.pluginCount == 2)
        }
    }

    @Test func aRefusalFailsTheEvent() async throws {
        try await withInterface { interface, _, socket in
            _ = try await joined(
                interface, "00", "a", at: socket,
                refusing: { $0 == "RunPodSandbox" ? FakePlugin.Refusal(code: 2, message: "no room") : nil })
            let error = await #expect(throws: NRIError.self) { try await interface.tell(.runPodSandbox, pod) }
            #expect(error?.description == "plugin 00-a: no room")
            #expect(interface.pluginCount == 1)
        }
    }

    @Test func aStalledPluginIsDroppedAndTheEventGoesOn() async throws {
        try await withInterface(short()) { interface, _, socket in
            let stalled = try await joined(
                interface, "00", "a", at: socket, { method, _ in method == "CreateContainer" ? nil : NRIEmpty() })
            _ = try await joined(interface, "10", "b", at: socket, Self.setting("B"))
            let adjustment = try await interface.createContainer(pod, container)
            #expect(adjustment.env.map(\.key) == ["B"])
            try await stalled.channel.closeFuture.get()
            while interface.pluginCount != 1 { try await Task.sleep(for: .milliseconds(2)) }
            _ = try await interface.createContainer(pod, container)
        }
    }

    @Test func aPluginThatDiesMeanwhileHarmsNobody() async throws {
        try await withInterface { interface, _, socket in
            let dying = try await joined(
                interface, "00", "a", at: socket, { method, _ in method == "CreateContainer" ? nil : NRIEmpty() })
            async let adjustment = interface.createContainer(pod, container)
            #expect(await dying.wait(for: "CreateContainer"))
            try await dying.channel.close()
            #expect(try await adjustment.env.isEmpty)
        }
    }

    @Test func onlyWantedEventsAreTold() async throws {
        try await withInterface { interface, _, socket in
            let heard = Shared<[String]>([])
            let mask = Int32(1 << (NRIEvent.startContainer.rawValue - 1))
            _ = try await joined(
                interface, "00", "a", at: socket, events: mask,
                { method, _ in
                    heard.withLock { $0.append(method) }
                    return NRIEmpty()
                })
            #expect(interface.isWanted(.startContainer) && !interface.isWanted(.createContainer))
            try await interface.tell(.runPodSandbox, pod)
            try await interface.tell(.startContainer, pod, container)
            #expect(heard.withLock { $0 } == ["Synchronize", "StartContainer"])
        }
    }

    @Test func pluginsOfOldHearOfChangesOfState() async throws {
        try await withInterface { interface, _, socket in
            let heard = Shared<[NRIStateChangeEvent]>([])
            _ = try await joined(
                interface, "00", "a", at: socket,
                refusing: { $0 == "StartContainer" ? FakePlugin.Refusal(code: 12, message: "unknown") : nil },
                { method, payload in
                    if method == "StateChange", let change = try? NRIStateChangeEvent(serializedBytes: payload) {
                        heard.withLock { $0.append(change) }
                    }
                    return NRIEmpty()
                })
            for _ in 0..<2 { try await interface.tell(.startContainer, pod, container) }
            #expect(heard.withLock { $0 }.map(\.event) == [.startContainer, .startContainer])
            #expect(heard.withLock { $0 }.first?.container.id == "c")
        }
    }

    @Test func validatorsHaveTheLastWord() async throws {
        try await withInterface { interface, _, socket in
            _ = try await joined(interface, "00", "a", at: socket, Self.setting("A"))
            let seen = Shared<NRIValidateContainerAdjustmentRequest?>(nil)
            _ = try await joined(
                interface, "90", "v", at: socket,
                { method, payload in
                    guard method == "ValidateContainerAdjustment" else { return NRIEmpty() }
                    seen.withLock { $0 = try? .init(serializedBytes: payload) }
                    return NRIValidateContainerAdjustmentResponse.make { ($0.reject, $0.reason) = (true, "not so") }
                })
            let error = await #expect(throws: NRIError.self) { try await interface.createContainer(pod, container) }
            #expect(error?.description.contains("not so") == true)
            let request = try #require(seen.withLock { $0 })
            #expect(request.adjust.env.map(\.key) == ["A"])
            #expect(request.plugins.map(\.name) == ["a", "v"])
            let owners = request.owners.owners["c"]?.compound[Int32(NRIField.env.rawValue)]?.owners
            #expect(owners == ["A": "00-a"])
        }
    }

    @Test func updatesAndEvictionsReachTheRuntime() async throws {
        try await withInterface { interface, runtime, socket in
            runtime.state.withLock { $0.failing = ["broken"] }
            let plugin = try await joined(
                interface, "00", "a", at: socket,
                { method, _ in
                    if method == "StopContainer" {
                        return NRIStopContainerResponse.make { $0.update = [.make { $0.containerID = "x" }] }
                    }
                    if method == "UpdateContainer" {
                        return NRIUpdateContainerResponse.make {
                            $0.update = [
                                .make {
                                    $0.containerID = "c"
                                    $0.linux.resources.cpu.cpus = "1"
                                }, .make { $0.containerID = "y" },
                            ]
                            $0.evict = [.make { $0.containerID = "z" }]
                        }
                    }
                    return NRIEmpty()
                })
            try await interface.stopContainer(pod, container)
            let resources = try await interface.updateContainer(
                pod, container, .make { $0.memory.limit.value = 9 })
            #expect(resources.cpu.cpus == "1" && resources.memory.limit.value == 9)
            let answer = try await plugin.call(
                "UpdateContainers",
                NRIUpdateContainersRequest.make {
                    $0.update = [.make { $0.containerID = "broken" }, .make { $0.containerID = "fine" }]
                    $0.evict = [.make { $0.containerID = "e" }]
                })
            let failed = try NRIUpdateContainersResponse(serializedBytes: [UInt8](#require(answer).payload))
            #expect(failed.failed.map(\.containerID) == ["broken"])
            #expect(runtime.state.withLock { $0.updates }.map(\.containerID) == ["x", "y", "broken", "fine"])
            #expect(runtime.state.withLock { $0.evictions } == ["z", "e"])
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
            _ = try await joined(interface, "00", "a", at: socket, Self.setting("A"))
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
