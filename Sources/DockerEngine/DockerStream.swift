/// A stream of JSON objects, one a line: the events, or the progress of a pull.
///
/// One reader at a time. Bounded: a reader that does not read holds the transfer back. Ends the transfer when it is
/// dropped, or closed, or when its reader is cancelled (which throws `CancellationError`).
public struct DockerStream<Element: Decodable & Sendable>: AsyncSequence, Sendable {
    let body: BodyStream
    let call: String
    /// False when the end of the answer means that the daemon has left.
    let endsWell: Bool

    /// Ends the transfer; the reader then sees ``DockerError/Kind/unavailable``.
    public func close() {
        body.close()
    }

    /// Reads from the stream's present place on.
    public func makeAsyncIterator() -> Iterator {
        Iterator(body: body, call: call, endsWell: endsWell)
    }

    /// Reads a ``DockerStream``.
    public struct Iterator: AsyncIteratorProtocol {
        let body: BodyStream
        let call: String
        let endsWell: Bool

        /// The next object; nil at the end.
        public mutating func next() async throws -> Element? {
            while let line = try await body.nextLine() {
                if line.isEmpty { continue }
                let element = try DockerEngine.decode(Element.self, line, call: call)
                try (element as? Docker.JSONMessage)?.rejectError(call: call)
                return element
            }
            if endsWell { return nil }
            throw DockerError(.unavailable, message: "the daemon ended the stream", call: call)
        }
    }
}

extension Docker.JSONMessage {
    /// Throws the error that the message carries, if any.
    func rejectError(call: String) throws {
        let text = errorDetail?.message ?? error
        guard let text else { return }
        throw DockerError(.serverError, status: 200, message: text, call: call)
    }
}
