// swift-tools-version: 6.2

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// One layer of the daemon: a target that imports only what stands below it (docs/architecture.md).
func layer(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// What keeps a daemon's program small, and with it what of it stays in memory: nobody links against it, and where it
/// is loaded is noted in bits instead of records (DT_RELR, glibc 2.36).
let lean = [
    "-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "--exclude-libs=ALL", "-Xlinker", "--icf=safe",
    "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
]

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: exclude,
        swiftSettings: strict)
}

let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

/// The revision that the Makefile names; digits only, since it lands in a macro.
let revision = (Context.environment["FENDER_REVISION"] ?? "").filter(\.isHexDigit)

let package = Package(
    name: "fender",
    products: [.executable(name: "fender", targets: ["fender"])],
    dependencies: [
        // Without its default traits swift-protobuf needs FoundationEssentials only, not Foundation.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The C libraries and the C that Swift cannot express.
        .systemLibrary(name: "CGRPC"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CSeccomp"),
        .systemLibrary(name: "CNFTables"),
        .systemLibrary(name: "CArchive"),
        .systemLibrary(name: "CISAL"),
        .systemLibrary(name: "CZstd"),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "CLinux"),
        .target(name: "CExecutor"),
        .target(name: "CVersion", cSettings: [.define("FENDER_REVISION", to: "\"\(revision)\"")]),

        // Leaves.
        layer("Linux", ["CLinux"]),
        layer("CRI", [protobuf]),
        layer("Pause"),
        layer("RPC", ["CGRPC", "Linux", protobuf, logging]),
        layer("CNI", ["Linux", logging]),
        layer("PodFiles", ["Linux"]),
        layer("Security", ["Linux"]),
        layer("Cgroups", ["Linux"]),
        layer("Statistics", ["Cgroups", "Linux", "CLinux"]),
        layer("CDI", ["Linux"]),
        layer("ImageRoot", ["Linux", "CLinux"]),
        layer("OCI"),
        layer("TOML"),
        layer("Bridge", ["CNFTables", "OCI", "Linux"]),
        layer("Executor", ["CExecutor", "CLinux", "CSeccomp", "OCI", "Security", "Linux"]),
        layer(
            "Images",
            [
                "CArchive", "CISAL", "CZstd", "COpenSSL", "CCurl", "CLinux", "ImageRoot", "OCI", "TOML", "Linux",
                logging,
            ]),
        layer("DockerEngine", ["CCurl", "Linux", logging]),
        layer("DockerLogs", ["Linux", logging]),

        layer(
            "Streaming",
            [
                "COpenSSL", "CZlib", "Linux", logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
                nio("NIOWebSocket"),
            ]),

        layer("NRI", ["Linux", protobuf, logging, nio("NIOCore"), nio("NIOPosix")]),
        layer("Telemetry", ["Linux", logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")]),

        // What both back ends implement, what they share, and the back ends.
        layer("Runtime", ["CRI", protobuf, logging]),
        layer("BackEnd", ["Runtime", "CRI", "CNI", "ImageRoot", "NRI", "Linux", "CLinux", logging]),
        layer(
            "DockerRuntime",
            [
                "BackEnd", "Runtime", "CRI", "DockerEngine", "DockerLogs", "CNI", "NRI", "Pause", "PodFiles",
                "Security", "Cgroups", "CDI", "ImageRoot", "Streaming", "Linux", protobuf, logging,
            ]),

        layer(
            "NativeRuntime",
            [
                "BackEnd", "Runtime", "CRI", "CNI", "NRI", "Pause", "PodFiles", "Security", "Cgroups", "CDI",
                "ImageRoot", "Images", "Executor", "OCI", "Streaming", "Linux", protobuf, logging,
            ]),

        layer("MixedRuntime", ["BackEnd", "Runtime", "CRI", "NRI", "Streaming"]),

        // The service and the program.
        layer("CRIService", ["Runtime", "CRI", "RPC", "Statistics", "Streaming", protobuf, logging]),
        layer("Configuration", ["TOML", "Linux", logging]),
        layer(
            "Commands",
            [
                "CRI", "RPC", "Configuration", "Images", "DockerEngine", "CNI", "Cgroups", "Runtime", "Linux",
                arguments, protobuf, logging,
            ]),
        .executableTarget(
            name: "fender",
            dependencies: [
                "Commands", "CVersion", "CRI", "CRIService", "DockerRuntime", "NativeRuntime", "MixedRuntime",
                "BackEnd", "Runtime", "DockerEngine", "DockerLogs", "CNI", "NRI", "RPC", "Streaming", "Configuration",
                "Telemetry", "Linux", logging, arguments, lifecycle, unixSignals,
            ],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(lean, .when(configuration: .release))]),

        // The OCI runtime. The monitor is C alone: static, and without Swift's start-up code and library.
        .executableTarget(
            name: "fender-monitor", dependencies: ["CExecutor"],
            linkerSettings: [.unsafeFlags(["-static-executable", "-nostartfiles"])]),
        .executableTarget(
            name: "fender-oci", dependencies: ["Executor", "OCI", "Linux"], swiftSettings: strict,
            // A command that lives for milliseconds has none to spare for dynamic linking.
            linkerSettings: [.unsafeFlags(["-static-executable"])]),

        // The plugin of the built-in pod network.
        .executableTarget(name: "fender-bridge", dependencies: ["Bridge", "OCI", "Linux"], swiftSettings: strict),

        .target(name: "TestScratch", dependencies: ["Linux"], path: "Tests/TestScratch", swiftSettings: strict),
        tests("Linux", ["TestScratch"]),
        tests("RPC", ["CGRPC", "Linux", protobuf, logging]),
        tests("CNI", ["Linux", "TestScratch", logging]),
        tests("Pause"),
        tests("Bridge", ["Linux", "OCI", "TestScratch"]),
        tests("PodFiles", ["Linux", "TestScratch"]),
        tests("Security", ["Linux", "TestScratch"]),
        tests("Cgroups", ["Linux", "TestScratch"]),
        tests("Statistics", ["Cgroups", "Linux", "TestScratch"]),
        tests("CDI", ["Linux", "TestScratch"]),
        tests("ImageRoot", ["Linux", "CLinux", "TestScratch"]),
        // What the crash tests of Images kill.
        .executableTarget(
            name: "image-store-probe", dependencies: ["Images", logging], path: "Tests/image-store-probe",
            swiftSettings: strict),
        tests("Images", ["image-store-probe", "CLinux", "OCI", "Linux", "TestScratch", logging]),
        tests("OCI"),
        // What the crash tests of Executor kill.
        .executableTarget(
            name: "executor-probe", dependencies: ["Executor", "OCI"], path: "Tests/executor-probe",
            swiftSettings: strict),
        // What Tests/bench/executor.py measures.
        .executableTarget(
            name: "executor-bench", dependencies: ["Executor", "OCI", "Linux"], path: "Tests/executor-bench",
            swiftSettings: strict),
        tests(
            "Executor",
            [
                "executor-probe", "fender-monitor", "CExecutor", "CSeccomp", "OCI", "Security", "Linux", "TestScratch",
            ]),
        // A dockerd of the tests' own.
        .target(name: "TestSupport", dependencies: ["CLinux"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("DockerEngine", ["TestSupport", "Linux"]),
        // What the crash tests of DockerLogs kill.
        .executableTarget(
            name: "log-follower-probe", dependencies: ["DockerLogs", logging], path: "Tests/log-follower-probe",
            swiftSettings: strict),
        tests("DockerLogs", ["log-follower-probe", "Linux", logging]),
        tests("Runtime", ["CRI", protobuf]),
        tests("BackEnd", ["CRI", "NRI", "Runtime", logging]),
        tests(
            "NativeRuntime",
            [
                "CDI", "CRI", "CNI", "NRI", "Runtime", "ImageRoot", "Linux", "OCI", "Security", "Streaming",
                "TestScratch", protobuf,
            ]),
        tests("DockerRuntime", ["CRI", "CNI", "NRI", "Runtime", "DockerEngine", "Linux", "TestScratch", protobuf]),
        tests(
            "Streaming",
            ["DockerEngine", "Linux", nio("NIOCore"), nio("NIOEmbedded"), nio("NIOPosix"), nio("NIOWebSocket")],
            exclude: ["Corpus"]),
        tests("NRI", ["Linux", "TestScratch", protobuf, logging, nio("NIOCore"), nio("NIOPosix")]),
        tests("Telemetry", ["Linux", "TestScratch", logging]),
        tests("CRIService", ["CRI", "Runtime", "RPC", "Statistics", protobuf]),
        tests("Configuration", ["TOML", "Linux", "fender", logging]),
        tests("Commands", ["Configuration", "CRI", "DockerEngine", "Linux", "TestScratch"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)

// `make fuzz`: the parsers with coverage counters, and libFuzzer's driver over them. The counters are an unsafe flag,
// which is why they are no part of the package as others see it.
if Context.environment["FENDER_FUZZ"] != nil {
    let counted: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])]
    for target in package.targets where ["Streaming", "DockerEngine"].contains(target.name) {
        target.swiftSettings = (target.swiftSettings ?? []) + counted
    }
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer", "DockerEngine", "Streaming", nio("NIOCore"), nio("NIOEmbedded"), nio("NIOPosix"),
                nio("NIOWebSocket"),
            ],
            path: "Tests/Fuzz/Program", swiftSettings: strict + counted,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
    ]
}
