internal import Synchronization

/// A number that only grows, for each set of label values.
public final class Counter: Family {
    let head: Head
    private let values = Mutex<[[String]: Double]>([:])

    init(head: Head) {
        self.head = head
        if head.labels.isEmpty { values.withLock { $0[[]] = 0 } }
    }

    /// Adds to the number of these label values, as many as the family has labels.
    public func add(_ amount: Double = 1, _ labels: String...) {
        values.withLock { $0[labels, default: 0] += amount }
    }

    func write(to text: inout String) {
        let values = values.withLock { $0 }
        if values.isEmpty { return }
        head.writeHead(to: &text)
        for (labels, value) in values.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            head.write(value, labels, to: &text)
        }
    }
}
