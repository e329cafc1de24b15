import CDI
import NRI
import OCI
import Runtime
import SwiftProtobuf
import Testing

@testable import NativeRuntime

/// What plugins make of a config.json.
struct SpecAdjustmentTests {
    private let plain = """
        {"ociVersion": "1.2.0", "root": {"path": "/rootfs"},
         "process": {"args": ["sleep"], "env": ["A=1", "B=2"], "cwd": "/", "oomScoreAdj": 0,
                     "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]},
         "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                    {"destination": "/data/deep", "type": "bind", "source": "/srv", "options": ["rbind"]}],
         "annotations": {"old": "1", "kept": "2"},
         "linux": {"namespaces": [{"type": "mount"}, {"type": "ipc", "path": "/ipc"}], "cgroupsPath": "/pods/c",
                   "devices": [{"path": "/dev/old", "type": "c", "major": 1, "minor": 3}],
                   "resources": {"devices": [{"allow": false, "access": "rwm"}], "cpu": {"shares": 5, "cpus": "0"},
                                 "memory": {"limit": 100, "swap": 100}}}}
        """

    private func adjusted(_ body: (inout NRIContainerAdjustment) -> Void) throws -> JSON {
        var wanted = NRIContainerAdjustment()
        body(&wanted)
        return try SpecAdjustment(wanted: wanted).apply(to: JSON(parsing: Array(plain.utf8)))
    }

    private func make<Value: Message>(_ body: (inout Value) -> Void) -> Value {
        var value = Value()
        body(&value)
        return value
    }

    @Test func nothingWantedChangesNothing() throws {
        let before = try Spec(parsing: Array(plain.utf8))
        let after = try Spec(parsing: adjusted { _ in }.bytes)
        #expect(after.process?.environment == before.process?.environment)
        #expect(after.mounts.map(\.destination) == before.mounts.map(\.destination))
        #expect(after.linux.devices.map(\.path) == before.linux.devices.map(\.path))
        #expect(after.linux.namespaces == before.linux.namespaces)
        #expect(after.annotations.map(\.key).sorted() == ["kept", "old"])
    }

    @Test func theProcess() throws {
        let spec = try Spec(
            parsing: adjusted {
                $0.args = ["run", "it"]
                $0.env = [
                    make {
                        $0.key = "A"
                        $0.value = "new=1"
                    }, make { $0.key = "-B" }, make { $0.key = "C" }, make { $0.key = "-D" },
                ]
                $0.rlimits = [
                    make {
                        ($0.type, $0.soft, $0.hard) = ("RLIMIT_CORE", 1, 2)
                    }
                ]
                $0.linux.ioPriority.class = .idle
                $0.linux.scheduler.policy = .schedBatch
                $0.linux.scheduler.flags = [.schedFlagResetOnFork]
            }.bytes)
        let process = try #require(spec.process)
        #expect(process.arguments == ["run", "it"])
        #expect(process.environment == ["A=new=1", "C="])
        #expect(process.limits.map(\.hard) == [2])
        #expect(process.ioPriority?.kind == 3)
        #expect(process.scheduler?.policy == 3 && process.scheduler?.flags == 1)
    }

    @Test func mountsAreInOrder() throws {
        let spec = try Spec(
            parsing: adjusted {
                $0.mounts = [
                    make { ($0.destination, $0.type, $0.source) = ("/data", "tmpfs", "tmpfs") },
                    make { ($0.destination, $0.source, $0.options) = ("/new", "/src", ["rbind", "rslave"]) },
                ]
            }.bytes)
        #expect(spec.mounts.map(\.destination) == ["/proc", "/data", "/new", "/data/deep"])
        #expect(spec.mounts[2].type == "bind")
        #expect(spec.linux.rootfsPropagation == "rslave")
        let removed = try Spec(parsing: adjusted { $0.mounts = [make { $0.destination = "-/data/deep" }] }.bytes)
        #expect(removed.mounts.map(\.destination) == ["/proc"])
    }

    @Test func linux() throws {
        let spec = try Spec(
            parsing: adjusted {
                $0.annotations = ["-old": "", "new": "3"]
                $0.hooks.poststop = [make { $0.path = "/bin/true" }]
                $0.linux.cgroupsPath = "/elsewhere"
                $0.linux.sysctl = ["net.core.somaxconn": "9"]
                $0.linux.namespaces = [make { $0.type = "-ipc" }, make { $0.type = "uts" }]
                $0.linux.devices = [
                    make { $0.path = "-/dev/old" },
                    make { ($0.path, $0.type, $0.major, $0.minor) = ("/dev/new", "b", 7, 1) },
                ]
                $0.linux.resources.cpu.shares.value = 9
                $0.linux.resources.memory.limit.value = 200
                $0.linux.resources.pids.limit = 3
            }.bytes)
        #expect(spec.annotations.map(\.key).sorted() == ["kept", "new"])
        #expect(spec.hooks.poststop.map(\.path) == ["/bin/true"])
        #expect(spec.linux.cgroupsPath == "/elsewhere")
        #expect(spec.linux.namespaces.map(\.kind) == [.mount, .uts])
        #expect(spec.linux.devices.map(\.path) == ["/dev/new"])
        let json = try adjusted { $0.linux.resources.memory.limit.value = 200 }
        let resources = try #require(json["linux"]?["resources"])
        #expect(resources["memory"] == .compact([("limit", .integer(200)), ("swap", .integer(200))]))
        #expect(resources["cpu"]?["cpus"] == .string("0"))
    }

    @Test(arguments: [0, 1, 2, 3, 4])
    func whatTheExecutorCannotDoIsRefused(_ number: Int) {
        #expect(throws: (any Error).self) {
            try adjusted {
                switch number {
                case 0: $0.linux.netDevices["eth9"] = NRILinuxNetDevice()
                case 1: $0.linux.rdt.closID.value = "x"
                case 2: $0.linux.memoryPolicy.mode = .mpolBind
                case 3: $0.linux.resources.blockioClass.value = "x"
                default: $0.rlimits = [make { $0.type = "RLIMIT_NOSUCH" }]
                }
            }
        }
    }

    @Test func whatIsReadBackIsWhatWasWritten() throws {
        let container = NRIContainer(spec: try JSON(parsing: Array(plain.utf8)))
        #expect(container.args == ["sleep"] && container.env == ["A=1", "B=2"])
        #expect(container.mounts.map(\.destination) == ["/proc", "/data/deep"])
        #expect(container.linux.resources.cpu.cpus == "0" && container.linux.resources.memory.limit.value == 100)
        #expect(container.linux.devices.map(\.major) == [1] && container.linux.cgroupsPath == "/pods/c")
        #expect(container.rlimits.map(\.type) == ["RLIMIT_CORE"] && container.annotations["old"] == "1")
    }
}
