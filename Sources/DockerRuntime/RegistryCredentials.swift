internal import CRI
internal import DockerEngine
internal import FoundationEssentials
internal import Runtime

/// A pull's credentials in all the forms that CRI `AuthConfig` has.
struct RegistryCredentials: Equatable {
    var docker: Docker.AuthConfig

    /// Nil when the message is empty. Throws InvalidArgument for an `auth` that is not base64 of `user:password`.
    init?(from auth: AuthConfig) throws {
        guard auth != AuthConfig() else { return nil }
        docker = Docker.AuthConfig()
        if !auth.serverAddress.isEmpty { docker.serveraddress = auth.serverAddress }
        if !auth.identityToken.isEmpty {
            docker.identitytoken = auth.identityToken
        } else if !auth.registryToken.isEmpty {
            docker.registrytoken = auth.registryToken
        } else if !auth.username.isEmpty || !auth.password.isEmpty {
            docker.username = auth.username
            docker.password = auth.password
        } else if !auth.auth.isEmpty {
            (docker.username, docker.password) = try Self.split(auth.auth)
        }
    }

    private static func split(_ auth: String) throws -> (String, String) {
        guard
            let data = Data(base64Encoded: auth), let text = String(validating: data, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else { throw RuntimeError(.invalidArgument, "auth: not base64 of user:password") }
        // Docker's own configuration pads passwords with NUL bytes.
        let password = text[text.index(after: colon)...].prefix { $0 != "\0" }
        return (String(text[..<colon]), String(password))
    }
}
