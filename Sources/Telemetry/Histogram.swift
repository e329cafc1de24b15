internal import Synchronization

/// A distribution, for each set of label values.
public final class Histogram: Family {
    /// Bounds for what takes from half a millisecond to two minutes.
    public static let seconds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
    ]

    private struct Cell {
        /// Of each bucket alone; the last is above all bounds.
        var counts: [UInt64]
        var sum = 0.0
    }

    let head: Head
    private let buckets: [Double]
    private let cells = Mutex<[[String]: Cell]>([:])

    init(head: Head, buckets: [Double]) {
        self.head = head
        self.buckets = buckets
    }

    /// Takes in one value under these label values, as many as the family has labels.
    public func observe(_ value: Double, _ labels: String...) {
        let index = buckets.firstIndex { value <= $0 } ?? buckets.count
        cells.withLock { cells in
            var cell = cells[labels] ?? Cell(counts: Array(repeating: 0, count: buckets.count + 1))
            cell.counts[index] += 1
            cell.sum += value
            cells[labels] = cell
        }
    }

    func write(to text: inout String) {
        let cells = cells.withLock { $0 }
        if cells.isEmpty { return }
        head.writeHead(to: &text)
        for (labels, cell) in cells.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            var total: UInt64 = 0
            for (bound, count) in zip(buckets + [.infinity], cell.counts) {
                total += count
                head.write(Double(total), labels, suffix: "_bucket", bound: Head.number(bound), to: &text)
            }
            head.write(cell.sum, labels, suffix: "_sum", to: &text)
            head.write(Double(total), labels, suffix: "_count", to: &text)
        }
    }
}

extension Duration {
    /// In seconds.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
