public import SwiftProtobuf

/// Bytes that are counted by reference and never move, so that gRPC can send them without a copy.
///
/// A message encodes straight into one: `let block: Block = try message.serializedBytes()`. Copies of the value
/// share the bytes; writing through ``withUnsafeMutableBytes(_:)`` copies them first if they are shared.
public struct Block: Sendable {
    private(set) var storage: Storage

    /// A block of `count` bytes that `fill` writes; it sees zeros.
    public init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        storage = Storage(count: count)
        storage.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        try fill(storage.bytes)
    }

    /// A copy of `bytes`.
    public init(_ bytes: [UInt8]) {
        storage = bytes.withUnsafeBytes { Storage(copying: $0) }
    }

    /// A length-delimited protobuf field: its key, the length and `bytes` (protobuf encoding, wire type 2).
    ///
    /// The encoding of a message with a repeated field is the concatenation of its entries framed so.
    public init(field number: Int, encoded bytes: [UInt8]) {
        var head: [UInt8] = []
        Block.appendVarint(UInt64(number) << 3 | 2, to: &head)
        Block.appendVarint(UInt64(bytes.count), to: &head)
        storage = Storage(count: head.count + bytes.count)
        storage.bytes.copyBytes(from: head)
        UnsafeMutableRawBufferPointer(rebasing: storage.bytes[head.count...]).copyBytes(from: bytes)
    }

    /// The number of bytes.
    public var count: Int { storage.bytes.count }

    /// Lets `body` read the bytes.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(storage.bytes)) }
    }

    private static func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

extension Block {
    /// The memory itself, at one address as long as it lives.
    ///
    /// Unchecked: the bytes are written only while one value refers to them (`isKnownUniquelyReferenced`), which
    /// is never the case once another thread or gRPC holds a reference.
    final class Storage: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer

        init(count: Int) {
            bytes = .allocate(byteCount: count, alignment: 16)
        }

        convenience init(copying source: UnsafeRawBufferPointer) {
            self.init(count: source.count)
            bytes.copyMemory(from: source)
        }

        deinit {
            bytes.deallocate()
        }
    }
}

extension Block: SwiftProtobufContiguousBytes {
    /// `count` times the same byte.
    public init(repeating: UInt8, count: Int) {
        storage = Storage(count: count)
        storage.bytes.initializeMemory(as: UInt8.self, repeating: repeating)
    }

    /// A copy of a sequence.
    public init<S: Sequence>(_ sequence: S) where S.Element == UInt8 {
        self.init([UInt8](sequence))
    }

    /// Lets `body` write the bytes, for whoever fills a new block.
    public mutating func withUnsafeMutableBytes<R>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> R
    ) rethrows -> R {
        if !isKnownUniquelyReferenced(&storage) {
            storage = withUnsafeBytes { Storage(copying: $0) }
        }
        return try withExtendedLifetime(storage) { try body(storage.bytes) }
    }
}
