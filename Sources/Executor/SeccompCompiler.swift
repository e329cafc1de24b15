internal import CSeccomp
internal import Glibc
internal import Linux
internal import OCI

/// Compiles a seccomp section to BPF with libseccomp.
struct SeccompCompiler {
    /// For seccomp(2).
    struct Filter: Equatable {
        var program: [UInt8]
        /// SECCOMP_FILTER_FLAG_* bits.
        var flags: UInt64
        /// Whether an action tells a listener.
        var notifies: Bool
    }

    private let seccomp: Seccomp

    init(_ seccomp: Seccomp) { self.seccomp = seccomp }

    private static let kernelFlags: [String: UInt64] = [
        "SECCOMP_FILTER_FLAG_TSYNC": 1, "SECCOMP_FILTER_FLAG_LOG": 2, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
    ]
    private static let newListener: UInt64 = 8

    /// The flags for the kernel, without compiling.
    func flags() throws -> (bits: UInt64, notifies: Bool) {
        var bits: UInt64 = 0
        for flag in seccomp.flags {
            guard let bit = Self.kernelFlags[flag] else { throw SpecError("linux.seccomp.flags", "\(flag) is unknown") }
            bits |= bit
        }
        let notifies = seccomp.rules.contains { $0.action.name == "SCMP_ACT_NOTIFY" }
        if seccomp.defaultAction.name == "SCMP_ACT_NOTIFY" {
            throw SpecError("linux.seccomp.defaultAction", "SCMP_ACT_NOTIFY would stop the container's own start")
        }
        // The descriptor of the listener is itself sent by this call.
        if let rule = seccomp.rules.first(where: { $0.action.name == "SCMP_ACT_NOTIFY" && $0.names.contains("sendmsg") }
        ) {
            throw SpecError("\(rule.path).names", "sendmsg cannot have SCMP_ACT_NOTIFY")
        }
        if notifies { bits = bits & ~1 | Self.newListener }
        // One thread only is there to take the filter.
        return (bits & ~1, notifies)
    }

    /// Compiles the section.
    func compile() throws -> Filter {
        let (flags, notifies) = try flags()
        let fallback = try action(seccomp.defaultAction, "linux.seccomp.defaultAction")
        guard let context = seccomp_init(fallback) else { throw ExecutorError("seccomp: cannot make a filter") }
        defer { seccomp_release(context) }
        try addArchitectures(to: context)
        for rule in seccomp.rules { try add(rule, to: context, fallback: fallback) }
        // As runc: the program finds its call by a binary tree; libseccomp before 2.5 can't.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        return Filter(program: unknownCalls() + (try export(context)), flags: flags, notifies: notifies)
    }

    /// What stands before a filter that refuses by default: calls newer than all that the profile knows do not exist.
    ///
    /// With EPERM for them a C library would not fall back to what the profile does know; runc does the same.
    private func unknownCalls() -> [UInt8] {
        guard seccomp.defaultAction.name == "SCMP_ACT_ERRNO", seccomp.defaultAction.value != UInt32(ENOSYS) else {
            return []
        }
        #if arch(x86_64)
            let architecture: UInt32 = 0xc000_003e
        #else
            let architecture: UInt32 = 0xc000_00b7
        #endif
        let native = seccomp_arch_native()
        let known = seccomp.rules.flatMap(\.names).map { seccomp_syscall_resolve_name_arch(native, $0) }
        guard let newest = known.max(), newest > 0 else { return [] }
        let steps: [(code: UInt16, yes: UInt8, no: UInt8, value: UInt32)] = [
            (0x20, 0, 0, 4), (0x15, 0, 4, architecture), (0x20, 0, 0, 0), (0x35, 2, 0, 0x4000_0000),
            (0x25, 0, 1, UInt32(newest)), (0x06, 0, 0, 0x0005_0000 | UInt32(ENOSYS)),
        ]
        return steps.flatMap { step in
            withUnsafeBytes(of: step.code) { [UInt8]($0) } + [step.yes, step.no]
                + withUnsafeBytes(of: step.value) { [UInt8]($0) }
        }
    }

    private func addArchitectures(to context: scmp_filter_ctx) throws {
        for name in seccomp.architectures {
            let short = name.hasPrefix("SCMP_ARCH_") ? name.dropFirst(10).lowercased() : name
            let token = seccomp_arch_resolve_name(short)
            guard token != 0 else { throw SpecError("linux.seccomp.architectures", "\(name) is unknown") }
            let result = seccomp_arch_add(context, token)
            guard result == 0 || result == -EEXIST else {
                throw SpecError("linux.seccomp.architectures", "\(name): \(String(cString: strerror(-result)))")
            }
        }
    }

    private func add(_ rule: Seccomp.Rule, to context: scmp_filter_ctx, fallback: UInt32) throws {
        let action = try action(rule.action, "\(rule.path).action")
        if action == fallback { return }
        let conditions = try rule.conditions.map { try comparison($0, rule.path) }
        for name in rule.names {
            let number = seccomp_syscall_resolve_name(name)
            // A call that this libseccomp does not know gets the default action, as with runc.
            if number == -1 { continue }
            try add(conditions, call: number, name: name, action, to: context, rule.path)
        }
    }

    private func add(
        _ conditions: [scmp_arg_cmp], call: Int32, name: String, _ action: UInt32, to context: scmp_filter_ctx,
        _ path: String
    ) throws {
        // libseccomp wants each argument once in a rule; several conditions on one argument are alternatives.
        let once = Set(conditions.map(\.arg)).count == conditions.count
        for group in once ? [conditions] : conditions.map({ [$0] }) {
            let result = seccomp_rule_add_array(context, action, call, UInt32(group.count), group)
            guard result == 0 else { throw SpecError(path, "\(name): \(String(cString: strerror(-result)))") }
        }
    }

    private func comparison(_ condition: Seccomp.Condition, _ path: String) throws -> scmp_arg_cmp {
        let operations: [String: scmp_compare] = [
            "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
            "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
            "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
        ]
        guard let operation = operations[condition.operation] else {
            throw SpecError("\(path).args", "\(condition.operation) is unknown")
        }
        return scmp_arg_cmp(
            arg: condition.index, op: operation, datum_a: condition.value, datum_b: condition.second)
    }

    /// libseccomp's number of an action; its macros do not reach Swift.
    private func action(_ action: Seccomp.Action, _ path: String) throws -> UInt32 {
        let value = action.value ?? UInt32(EPERM)
        switch action.name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return 0
        case "SCMP_ACT_KILL_PROCESS": return 0x8000_0000
        case "SCMP_ACT_TRAP": return 0x0003_0000
        case "SCMP_ACT_ERRNO": return 0x0005_0000 | value & 0xffff
        case "SCMP_ACT_TRACE": return 0x7ff0_0000 | value & 0xffff
        case "SCMP_ACT_LOG": return 0x7ffc_0000
        case "SCMP_ACT_ALLOW": return 0x7fff_0000
        case "SCMP_ACT_NOTIFY": return 0x7fc0_0000
        default: throw SpecError(path, "\(action.name) is unknown")
        }
    }

    private func export(_ context: scmp_filter_ctx) throws -> [UInt8] {
        let file = try MemoryFile.make("seccomp")
        let result = seccomp_export_bpf(context, file.raw)
        guard result == 0 else { throw ExecutorError("seccomp: \(String(cString: strerror(-result)))") }
        let raw = file.raw
        try system("lseek") { lseek(raw, 0, SEEK_SET) }
        return try Files.read(file)
    }
}
