internal import COpenSSL

/// Why TLS cannot be spoken.
struct TLSError: Error, CustomStringConvertible {
    var description: String

    /// `what`, and the reason that OpenSSL has for it.
    init(_ what: String) {
        var text = [CChar](repeating: 0, count: 256)
        let code = ERR_get_error()
        ERR_error_string_n(code, &text, text.count)
        ERR_clear_error()
        let reason = text.withUnsafeBufferPointer { $0.baseAddress.map(String.init(cString:)) ?? "" }
        description = code == 0 ? "TLS: \(what)" : "TLS: \(what): \(reason)"
    }
}

/// A certificate with its key, and whom it trusts: what new TLS connections begin with.
///
/// @unchecked: nothing changes an SSL_CTX after `init`, and OpenSSL lets any thread make connections of it.
final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Reads the files; blocks.
    init(_ files: StreamingServer.TLSFiles) throws {
        ERR_clear_error()
        guard let made = SSL_CTX_new(TLS_server_method()) else { throw TLSError("SSL_CTX_new") }
        pointer = made
        guard fender_tls_restrict(pointer) == 1 else { throw TLSError("TLS 1.2") }
        // A key with a passphrase is an error, not a question on the terminal.
        SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in 0 }
        guard SSL_CTX_use_certificate_chain_file(pointer, files.certificate) == 1 else {
            throw TLSError("read certificate \(files.certificate)")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, files.key, SSL_FILETYPE_PEM) == 1,
            SSL_CTX_check_private_key(pointer) == 1
        else { throw TLSError("read key \(files.key)") }
        guard let authorities = files.clientAuthorities else { return }
        guard SSL_CTX_load_verify_locations(pointer, authorities, nil) == 1,
            let names = SSL_load_client_CA_file(authorities)
        else { throw TLSError("read client authorities \(authorities)") }
        SSL_CTX_set_client_CA_list(pointer, names)
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    deinit { SSL_CTX_free(pointer) }
}
