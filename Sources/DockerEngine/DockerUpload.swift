/// A tar archive on its way to Docker.
public enum DockerUpload: Sendable {
    /// Held in memory.
    case bytes([UInt8])
    /// Read piece by piece, no faster than Docker takes it. Its error ends the call and is thrown from it.
    case stream(any AsyncSequence<[UInt8], any Error> & Sendable)

    private static let type = "application/x-tar"

    /// Runs `send` with the archive as the body, feeding it while it runs.
    func sending<Answer: Sendable>(
        _ send: @escaping @Sendable (Request.Body) async throws -> Answer
    ) async throws -> Answer {
        switch self {
        case .bytes(let bytes):
            return try await send(.bytes(bytes, type: Self.type))
        case .stream(let chunks):
            let upload = Upload()
            return try await withThrowingTaskGroup(of: Answer?.self) { group in
                group.addTask { try await send(.upload(upload, type: Self.type)) }
                group.addTask {
                    for try await chunk in chunks { try await upload.append(chunk) }
                    upload.end()
                    return nil
                }
                defer { group.cancelAll() }
                while let answer = try await group.next() {
                    if let answer { return answer }
                }
                throw CancellationError()
            }
        }
    }
}
