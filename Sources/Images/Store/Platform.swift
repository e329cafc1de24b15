internal import Glibc
internal import OCI

/// What an image runs on, in Go's names.
struct Platform: Sendable, Equatable {
    var os: String
    var architecture: String
    var variant: String

    init(os: String, architecture: String, variant: String = "") {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    init(_ field: Field) throws {
        os = try field["os"].string() ?? ""
        architecture = try field["architecture"].string() ?? ""
        variant = try field["variant"].string() ?? ""
    }

    /// This machine's.
    static let host: Platform = {
        var name = utsname()
        uname(&name)
        let machine = withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return Platform(machine: machine)
    }()

    /// By the kernel's name of the processor.
    init(machine: String) {
        os = "linux"
        variant = ""
        switch machine {
        case "x86_64": architecture = "amd64"
        case "aarch64": (architecture, variant) = ("arm64", "v8")
        case "i386", "i486", "i586", "i686": architecture = "386"
        case let name where name.hasPrefix("armv7") || name == "armv8l": (architecture, variant) = ("arm", "v7")
        case let name where name.hasPrefix("armv6"): (architecture, variant) = ("arm", "v6")
        default: architecture = machine
        }
    }

    /// How well an image for `other` runs here, higher is better; nil not at all.
    func fitness(of other: Platform) -> Int? {
        guard other.os == os, other.architecture == architecture else { return nil }
        if other.variant == variant { return 100 }
        // Each generation runs what was made for an older one; amd64's levels above the first are not looked for.
        let (wanted, ours) = (other.variant.generation, variant.generation)
        return switch architecture {
        case "arm64": other.variant.isEmpty || wanted == ours ? 90 : nil
        case "amd64": wanted.map { $0 == 1 } ?? true ? 90 : nil
        default: wanted.flatMap { wanted in ours.flatMap { wanted < $0 ? wanted : nil } } ?? (wanted == nil ? 0 : nil)
        }
    }
}

extension String {
    /// The number in a variant such as `v7`; nil for none.
    fileprivate var generation: Int? { hasPrefix("v") ? Int(dropFirst()) : nil }
}
