internal import COpenSSL

/// sha256 in steps, by OpenSSL, which uses the processor's instructions for it. For one thread.
final class SHA256 {
    private let context: OpaquePointer?

    init() {
        context = EVP_MD_CTX_new()
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count > 0 { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }
    }

    /// The digest of what came; nothing more can come afterwards.
    func finish() -> Digest {
        var sum = [UInt8](repeating: 0, count: 32)
        var count: CUnsignedInt = 0
        // Fails only without memory, and then no digest must ever match: the zeros stay.
        EVP_DigestFinal_ex(context, &sum, &count)
        return Digest(sum: sum)
    }
}
