/// One message as it goes on the wire: an immutable list of blocks sent one after the other, never joined.
public struct Payload: Sendable {
    /// The parts in order.
    public let blocks: [Block]
    /// The number of bytes of all parts together.
    public let count: Int

    /// The empty message.
    public init() {
        blocks = []
        count = 0
    }

    /// A copy of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.init(CollectionOfOne(Block(bytes)))
    }

    /// One block.
    public init(_ block: Block) {
        self.init(CollectionOfOne(block))
    }

    /// The blocks in order, shared and not copied.
    public init(_ blocks: some Sequence<Block>) {
        self.blocks = Array(blocks)
        count = self.blocks.reduce(0) { $0 + $1.count }
    }

    /// All bytes in one array, for tests and logs.
    public var bytes: [UInt8] {
        var joined: [UInt8] = []
        joined.reserveCapacity(count)
        for block in blocks { block.withUnsafeBytes { joined.append(contentsOf: $0) } }
        return joined
    }
}
