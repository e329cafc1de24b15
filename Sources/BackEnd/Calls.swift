internal import Runtime

/// Turns the errors of the value checks below us into InvalidArgument.
public func invalid<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as RuntimeError {
        throw error
    } catch {
        throw RuntimeError(.invalidArgument, "\(error)", cause: error)
    }
}

/// Does the same for all, at once; throws the first error after all have ended.
public func each<Element: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Void
) async throws {
    let failure = await withTaskGroup(of: (any Error)?.self) { group in
        for element in elements {
            group.addTask {
                do {
                    try await body(element)
                    return nil
                } catch {
                    return error
                }
            }
        }
        return await group.reduce(nil) { $0 ?? $1 }
    }
    if let failure { throw failure }
}
