import Testing

@testable import DockerLogs
