internal import Glibc
internal import Linux

extension Container {
    /// Runs `body` while nobody else, in this process or another, changes the container. Blocks the thread.
    ///
    /// Signals are not held up by it, so that whatever somebody waits for in here can be ended.
    func locked<Value>(_ body: () throws -> Value) throws -> Value {
        let lock = try openLock()
        let raw = lock.raw
        try system("flock", directory) { flock(raw, LOCK_EX) }
        // Whoever had it may have removed the container, and its name may be another's by now.
        guard let held = try? lock.status(), held.st_nlink > 0, Files.exists("\(directory)/state.json") else {
            throw ExecutorError("container \"\(id)\" does not exist")
        }
        return try body()
    }

    private func openLock() throws -> Descriptor {
        do {
            return try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        } catch let error as SystemError where error.code == Errno.missing {
            throw ExecutorError("container \"\(id)\" does not exist")
        }
    }
}
