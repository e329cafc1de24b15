internal import CExecutor

/// What fender-monitor carries out: steps in their order, in the layout of `executor_plan.h`.
public struct Plan: Sendable {
    /// The message; ``PlanWriter`` writes it.
    public var bytes: [UInt8]
    /// What could not be granted, one sentence each.
    public var warnings: [String]
}

/// Writes the steps of a plan.
struct PlanWriter {
    /// A step may fail without ending the plan.
    static let optional = UInt16(FENDER_STEP_OPTIONAL.rawValue)

    private var bytes: [UInt8]
    private var count: UInt32 = 0
    /// Said once each.
    var warnings: [String] = []
    private var nextSlot: UInt64 = 0

    init() {
        bytes = []
        bytes.reserveCapacity(32 << 10)
        for _ in 0..<4 { append(0 as UInt32) }
    }

    /// Adds a step.
    mutating func step(
        _ code: fender_step_code, _ numbers: [UInt64] = [], _ strings: [String] = [], flags: UInt16 = 0
    ) {
        begin(code, numbers, strings: strings.count, flags: flags) { writer in
            for string in strings { writer.string(string.utf8, count: string.utf8.count) }
        }
    }

    /// Adds a step whose only string is not text.
    mutating func step(_ code: fender_step_code, _ numbers: [UInt64] = [], blob: [UInt8]) {
        begin(code, numbers, strings: 1, flags: 0) { $0.string(blob, count: blob.count) }
    }

    /// A place where the steps before the clone leave a descriptor for later ones.
    mutating func slot() throws -> UInt64 {
        guard nextSlot < FENDER_PLAN_SLOTS else { throw ExecutorError("too many mounts") }
        defer { nextSlot += 1 }
        return nextSlot
    }

    /// The whole plan.
    consuming func finish() throws -> Plan {
        guard bytes.count <= FENDER_PLAN_LIMIT else { throw ExecutorError("the plan is too long") }
        let header = [
            UInt32(FENDER_PLAN_MAGIC), UInt32(FENDER_PLAN_VERSION), UInt32(bytes.count), count,
        ]
        for (index, word) in header.enumerated() { patch(word, at: index * 4) }
        return Plan(bytes: bytes, warnings: warnings)
    }

    private mutating func begin(
        _ code: fender_step_code, _ numbers: [UInt64], strings: Int, flags: UInt16, _ body: (inout Self) -> Void
    ) {
        let start = bytes.count
        append(0 as UInt32)
        append(UInt16(code.rawValue))
        append(flags)
        append(UInt32(strings))
        append(0 as UInt32)
        for index in 0..<Int(FENDER_PLAN_NUMBERS) { append(index < numbers.count ? numbers[index] : 0) }
        body(&self)
        while bytes.count % 8 != 0 { bytes.append(0) }
        patch(UInt32(bytes.count - start), at: start)
        count += 1
    }

    private mutating func string(_ text: some Sequence<UInt8>, count: Int) {
        append(UInt32(count))
        bytes.append(contentsOf: text)
        repeat { bytes.append(0) } while bytes.count % 4 != 0
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    private mutating func patch(_ value: UInt32, at offset: Int) {
        withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
    }
}
