/// Turns a layer as it is transferred into a tar archive: gzip, zstd or neither, told by its first bytes.
///
/// The media type is not asked: archives of every kind are known to be labelled wrongly.
struct Decompressor: ~Copyable {
    private enum Kind {
        case undecided([UInt8])
        case plain
        case gzip(GzipInflater)
        case zstd(ZstdInflater)
    }

    private var kind = Kind.undecided([])
    private var output: BoundedOutput

    /// Decompresses into `pipe`, at most what `limits` allow.
    init(into pipe: ChunkPipe, limits: ExpansionLimits) {
        output = BoundedOutput(pipe: pipe, limits: limits)
    }

    /// Bytes that came in, and bytes that went out.
    var counts: (input: UInt64, output: UInt64) { (output.input, output.output) }

    /// Takes the next bytes. Throws ``ImageError`` of code `invalid` for damaged data and for too much output.
    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws {
        output.input += UInt64(bytes.count)
        guard case .undecided(var start) = kind else { return try pass(bytes) }
        start += bytes
        kind = .undecided(start)
        if start.count >= 4 { try decide(start) }
    }

    /// There are no more bytes.
    mutating func finish() throws {
        if case .undecided(let start) = kind { try decide(start) }
        switch kind {
        case .gzip(let inflater): try inflater.finish()
        case .zstd(let inflater): try inflater.finish()
        case .plain, .undecided: break
        }
    }

    /// What a layer's media type ends in that begins with these bytes.
    static func suffix(of start: [UInt8]) -> String {
        if start.starts(with: [0x1f, 0x8b]) { return "+gzip" }
        return start.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) ? "+zstd" : ""
    }

    private mutating func decide(_ start: [UInt8]) throws {
        switch Self.suffix(of: start) {
        case "+gzip": kind = .gzip(try GzipInflater())
        case "+zstd": kind = .zstd(try ZstdInflater())
        default: kind = .plain
        }
        try start.withUnsafeBytes { try pass($0) }
    }

    private mutating func pass(_ bytes: UnsafeRawBufferPointer) throws {
        switch kind {
        case .undecided: break
        case .plain: try output.copy(bytes)
        case .gzip(let inflater): try inflater.feed(bytes, into: &output)
        case .zstd(let inflater): try inflater.feed(bytes, into: &output)
        }
    }
}

/// How much may come out of a layer.
struct ExpansionLimits {
    /// In all.
    var bytes: UInt64
    /// For each byte that went in, once ``free`` is used up.
    var factor: UInt64
    /// So much may come out whatever went in.
    var free: UInt64 = 1 << 30
}

/// A pipe that counts what goes in and refuses too much.
struct BoundedOutput {
    let pipe: ChunkPipe
    let limits: ExpansionLimits
    var input: UInt64 = 0
    var output: UInt64 = 0

    /// Lets `body` fill a buffer; it answers how much it wrote. Answers whether the buffer is full.
    mutating func fill(_ body: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
        let room = try pipe.room()
        let count = try body(room)
        output += UInt64(count)
        if output > limits.bytes {
            throw ImageError(.invalid, "the layer unpacks to more than \(limits.bytes) bytes")
        }
        if output > limits.free && output / limits.factor > input {
            throw ImageError(.invalid, "the layer unpacks to more than \(limits.factor) times its size")
        }
        pipe.filled(count)
        return count == room.count
    }

    mutating func copy(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            _ = try fill { room in
                let part = UnsafeRawBufferPointer(rebasing: rest.prefix(room.count))
                room.copyMemory(from: part)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
                return part.count
            }
        }
    }
}
