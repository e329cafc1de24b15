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
            _ = try await joined(interface, "00", "a", at: socket, FakePlugin.setting("A"))
            _ = try await joined(interface, "10", "b", at: socket, FakePlugin.setting("B"))
            let adjustment = try await interface.createContainer(pod, container)
            #expect(adjustment.env.map(\.key) == ["A", "B"])
        }
    }

    @Test func aConflictFailsTheCreationAndNoPluginIsLost() async throws {
        try await withInterface { interface, _, socket in
            _ = try await joined(interface, "00", "a", at: socket, FakePlugin.setting("A"))
            _ = try await joined(interface, "10", "b", at: socket, FakePlugin.setting("A"))
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
            _ = try await joined(interface, "10", "b", at: socket, FakePlugin.setting("B"))
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
            _ = try await joined(interface, "00", "a", at: socket, FakePlugin.setting("A"))
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
}
