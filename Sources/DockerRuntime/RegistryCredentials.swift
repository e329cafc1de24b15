internal import BackEnd
internal import CRI
internal import DockerEngine

/// A pull's credentials as Docker takes them.
struct RegistryCredentials: Equatable {
    var docker: Docker.AuthConfig

    /// Nil when the message is empty. Throws InvalidArgument for an `auth` that is not base64 of `user:password`.
    init?(from auth: AuthConfig) throws {
        guard auth != AuthConfig() else { return nil }
        docker = Docker.AuthConfig()
        if !auth.serverAddress.isEmpty { docker.serveraddress = auth.serverAddress }
        switch try auth.login() {
        case .identityToken(let token): docker.identitytoken = token
        case .registryToken(let token): docker.registrytoken = token
        case .password(let user, let password): (docker.username, docker.password) = (user, password)
        case nil: break
        }
    }
}
