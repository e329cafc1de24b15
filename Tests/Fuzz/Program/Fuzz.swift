internal import CFuzzer
internal import Dispatch
internal import Glibc

/// Runs libFuzzer on the ``FuzzTarget`` that the variable `FUZZ_TARGET` names; all arguments are libFuzzer's, which
/// starts the program again with them.
@main
enum Fuzz {
    static let target = getenv("FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) }

    static func main() {
        guard target != nil else {
            print("FUZZ_TARGET is one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
            exit(2)
        }
        let arguments = CommandLine.arguments
        var count = CInt(arguments.count)
        // Never freed: libFuzzer keeps them until the process ends.
        let copies = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
        for (index, argument) in arguments.enumerated() { copies[index] = strdup(argument) }
        copies[arguments.count] = nil
        var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = copies
        exit(LLVMFuzzerRunDriver(&count, &pointer) { data, size in Fuzz.once(data, size) })
    }

    /// One input; a broken invariant is a crash, which is what libFuzzer looks for.
    private static func once(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
        let input = Array(UnsafeBufferPointer(start: data, count: size))
        guard let target else { return -1 }
        let ended = DispatchSemaphore(value: 0)
        Task {
            do {
                try await target.run(input)
            } catch {
                fatalError("\(error)")
            }
            ended.signal()
        }
        ended.wait()
        return 0
    }
}
