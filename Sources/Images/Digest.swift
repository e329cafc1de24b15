/// The sha256 of a blob, of the form `sha256:` and 64 hexadecimal digits. No other algorithm is taken.
struct Digest: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The digits; safe as a file name.
    let hex: String

    /// Nil when the text is anything else.
    init?(_ text: some StringProtocol) {
        let prefix = "sha256:"
        guard text.hasPrefix(prefix) else { return nil }
        self.init(hex: text.dropFirst(prefix.count))
    }

    /// Nil unless these are 64 lower-case hexadecimal digits.
    init?(hex: some StringProtocol) {
        let digits = "0123456789abcdef".utf8
        guard hex.utf8.count == 64, hex.utf8.allSatisfy({ digits.contains($0) }) else { return nil }
        self.hex = String(hex)
    }

    init(sum bytes: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        hex = String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Of bytes in memory.
    init(of bytes: [UInt8]) {
        let hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        self = hash.finish()
    }

    var description: String { "sha256:\(hex)" }

    static func < (left: Digest, right: Digest) -> Bool { left.hex < right.hex }

    /// The chain ids of layers from the bottom up (OCI image specification, config.md, "Layer ChainID").
    static func chain(_ layers: [Digest]) -> [Digest] {
        var chain: [Digest] = []
        for layer in layers {
            guard let below = chain.last else {
                chain.append(layer)
                continue
            }
            chain.append(Digest(of: Array("\(below) \(layer)".utf8)))
        }
        return chain
    }
}
