internal import OCI

/// Device rules as a program of BPF_PROG_TYPE_CGROUP_DEVICE: the last rule that matches decides, nothing matching is
/// denied.
struct DeviceProgram {
    /// 8 bytes each.
    private(set) var instructions: [UInt64] = []

    /// A rule matches when it names all the access wanted.
    init(_ rules: [Resources.DeviceRule]) {
        // r2 = type, r3 = access, r4 = major, r5 = minor (struct bpf_cgroup_dev_ctx).
        load(2, offset: 0)
        emit(0x54, 2, immediate: 0xffff)
        load(3, offset: 0)
        emit(0x74, 3, immediate: 16)
        load(4, offset: 4)
        load(5, offset: 8)
        for rule in rules.reversed() {
            add(rule)
            if rule.type == "a" { return }
        }
        answer(false)
    }

    private mutating func emit(
        _ code: UInt8, _ target: UInt8, _ source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0
    ) {
        instructions.append(
            UInt64(code) | UInt64(source << 4 | target) << 8 | UInt64(UInt16(bitPattern: offset)) << 16
                | UInt64(UInt32(bitPattern: immediate)) << 32)
    }

    private mutating func load(_ register: UInt8, offset: Int16) { emit(0x61, register, 1, offset: offset) }

    private mutating func answer(_ allow: Bool) {
        emit(0xb4, 0, immediate: allow ? 1 : 0)
        emit(0x95, 0)
    }

    /// Checks that jump over the answer when they do not hold.
    private mutating func add(_ rule: Resources.DeviceRule) {
        guard rule.type != "a" else { return answer(rule.allow) }
        var checks: [(inout Self, Int16) -> Void] = []
        let type: Int32 = rule.type == "b" ? 1 : 2
        checks.append { $0.emit(0x56, 2, offset: $1, immediate: type) }
        let bits = rule.access.reduce(Int32(0)) { $0 | ($1 == "m" ? 1 : $1 == "r" ? 2 : 4) }
        if bits != 7 {
            checks.append { program, _ in program.emit(0xbc, 1, 3) }
            checks.append { program, _ in program.emit(0x54, 1, immediate: bits) }
            // All that is wanted must be named: r1 = r3 & bits, unequal to r3 means no.
            checks.append { $0.emit(0x5e, 1, 3, offset: $1) }
        }
        if let major = rule.major {
            checks.append { $0.emit(0x56, 4, offset: $1, immediate: Int32(truncatingIfNeeded: major)) }
        }
        if let minor = rule.minor {
            checks.append { $0.emit(0x56, 5, offset: $1, immediate: Int32(truncatingIfNeeded: minor)) }
        }
        for (index, check) in checks.enumerated() { check(&self, Int16(checks.count - index - 1 + 2)) }
        answer(rule.allow)
    }
}
