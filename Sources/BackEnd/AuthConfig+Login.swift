public import CRI
internal import FoundationEssentials
internal import Runtime

/// How a pull proves who it is.
public enum RegistryLogin: Sendable, Equatable {
    /// A refresh token for the registry's token service.
    case identityToken(String)
    /// A bearer token for the registry itself.
    case registryToken(String)
    /// Basic authentication.
    case password(user: String, password: String)
}

extension AuthConfig {
    /// The login in whichever form it was given; nil when there is none.
    ///
    /// Throws InvalidArgument for an `auth` that is not base64 of `user:password`.
    public func login() throws -> RegistryLogin? {
        if !identityToken.isEmpty { return .identityToken(identityToken) }
        if !registryToken.isEmpty { return .registryToken(registryToken) }
        if !username.isEmpty || !password.isEmpty { return .password(user: username, password: password) }
        return auth.isEmpty ? nil : try Self.split(auth)
    }

    private static func split(_ auth: String) throws -> RegistryLogin {
        guard
            let data = Data(base64Encoded: auth), let text = String(validating: data, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else { throw RuntimeError(.invalidArgument, "auth: not base64 of user:password") }
        // Docker's own configuration pads passwords with NUL bytes.
        let password = text[text.index(after: colon)...].prefix { $0 != "\0" }
        return .password(user: String(text[..<colon]), password: String(password))
    }
}
