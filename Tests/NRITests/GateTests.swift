import Synchronization
import Testing

@testable import NRI

@Suite struct GateTests {
    @Test func whoIsAloneSharesWithNobody() async {
        let gate = Gate()
        let inside = Shared((shared: 0, alone: 0, worst: 0))
        await withDiscardingTaskGroup { group in
            for number in 0..<60 {
                group.addTask {
                    if number % 5 == 0 {
                        await gate.alone {
                            inside.withLock { $0.worst = max($0.worst, $0.shared + $0.alone) }
                            inside.withLock { $0.alone += 1 }
                            await Task.yield()
                            inside.withLock { $0.alone -= 1 }
                        }
                    } else {
                        await gate.shared {
                            inside.withLock { $0.shared += 1 }
                            await Task.yield()
                            inside.withLock { $0.worst = max($0.worst, $0.alone * 100) }
                            inside.withLock { $0.shared -= 1 }
                        }
                    }
                }
            }
        }
        #expect(inside.withLock { $0.worst } == 0)
    }

    @Test func whoSharesDoesSoTogether() async {
        let gate = Gate()
        await gate.shared { await gate.shared {} }
    }

    @Test func nobodyOvertakesWhoWaitsToBeAlone() async {
        let gate = Gate()
        let order = Shared<[String]>([])
        let (inside, sayInside) = AsyncStream.makeStream(of: Void.self)
        let (release, sayRelease) = AsyncStream.makeStream(of: Void.self)
        await withDiscardingTaskGroup { group in
            group.addTask {
                await gate.shared {
                    sayInside.finish()
                    for await _ in release {}
                    order.withLock { $0.append("first") }
                }
            }
            for await _ in inside {}
            group.addTask { await gate.alone { order.withLock { $0.append("alone") } } }
            while gate.waiting < 1 { await Task.yield() }
            group.addTask { await gate.shared { order.withLock { $0.append("late") } } }
            while gate.waiting < 2 { await Task.yield() }
            sayRelease.finish()
        }
        #expect(order.withLock { $0 } == ["first", "alone", "late"])
    }

    @Test func anErrorLetsGo() async throws {
        let gate = Gate()
        await #expect(throws: CancellationError.self) { try await gate.alone { throw CancellationError() } }
        await gate.alone {}
    }
}
