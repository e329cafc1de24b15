import Testing

@testable import DockerRuntime
