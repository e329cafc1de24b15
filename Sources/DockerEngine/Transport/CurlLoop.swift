internal import CCurl
internal import Glibc
internal import Linux
internal import Synchronization

/// Drives all transfers on one thread through a libcurl multi handle.
///
/// `@unchecked Sendable`: of `multi` other threads use `curl_multi_wakeup` only, which libcurl allows, and under the
/// inbox's lock while it is not stopped; all else of it and `transfers` belong to the thread, which frees `multi` once
/// it has seen the stop.
final class CurlLoop: @unchecked Sendable {
    enum Command {
        case start(Transfer)
        case cancel(Transfer)
        /// Goes on with a transfer that paused because its buffer was full or empty.
        case resume(Transfer)
    }

    private struct Inbox {
        var commands: [Command] = []
        var stopped = false
    }

    let endpoint: DockerEndpoint
    private let multi: UnsafeMutableRawPointer
    private let inbox = Mutex(Inbox())
    private var transfers: [ObjectIdentifier: Transfer] = [:]

    /// Idle connections that are kept.
    private static let idleConnections = 16
    private static let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(endpoint: DockerEndpoint) throws {
        guard Self.libraryIsReady, let multi = curl_multi_init() else {
            throw DockerError(.unavailable, message: "libcurl: cannot be initialised")
        }
        self.endpoint = endpoint
        self.multi = multi
        fender_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.idleConnections)
        fender_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        do {
            // OpenSSL writes without MSG_NOSIGNAL; on a thread that takes no signals a SIGPIPE is but an EPIPE.
            try Thread.start("docker-api") { self.run() }
        } catch {
            curl_multi_cleanup(multi)
            throw error
        }
    }

    /// Ends the thread and with it every transfer and connection.
    func stop() {
        inbox.withLock { inbox in
            if !inbox.stopped { curl_multi_wakeup(multi) }
            inbox.stopped = true
        }
    }

    /// Hands a command to the thread; false once the loop is stopped.
    @discardableResult
    func submit(_ command: Command) -> Bool {
        inbox.withLock { inbox in
            if inbox.stopped { return false }
            inbox.commands.append(command)
            // Writes to an eventfd without blocking. Outside the lock `multi` could be gone.
            if inbox.commands.count == 1 { curl_multi_wakeup(multi) }
            return true
        }
    }

    // From here on: the thread.

    private func run() {
        while true {
            let inbox = inbox.withLock { inbox in
                defer { inbox.commands.removeAll() }
                return inbox
            }
            for command in inbox.commands { obey(command) }
            if inbox.stopped { return endAll() }
            var running: CInt = 0
            curl_multi_perform(multi, &running)
            finishDone()
            // Timers of libcurl's own shorten the wait; the limit only bounds a lost wake-up.
            curl_multi_poll(multi, nil, 0, 600_000, nil)
        }
    }

    private func obey(_ command: Command) {
        switch command {
        case .start(let transfer):
            if transfer.isCancelled { return transfer.finish(throwing: CancellationError()) }
            guard let easy = transfer.prepare(for: endpoint), curl_multi_add_handle(multi, easy) == CURLM_OK else {
                transfer.dispose()
                let error = DockerError(.unavailable, message: "libcurl: out of memory", call: transfer.request.name)
                return transfer.finish(throwing: error)
            }
            transfers[ObjectIdentifier(transfer)] = transfer
            transfer.request.upload?.isRead { self.submit(.resume(transfer)) }
        case .cancel(let transfer):
            end(transfer, with: CancellationError())
        case .resume(let transfer):
            guard transfers[ObjectIdentifier(transfer)] != nil, let easy = transfer.easy else { return }
            curl_easy_pause(easy, CURLPAUSE_CONT)
        }
    }

    private func finishDone() {
        var left: CInt = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = Transfer.owning(easy)
            else { continue }
            let code = message.pointee.data.result
            end(transfer, with: code == CURLE_OK ? nil : transfer.error(for: code, endpoint: endpoint))
        }
    }

    /// Takes a transfer out of libcurl and tells its caller, in this order.
    private func end(_ transfer: Transfer, with error: (any Error)?) {
        guard transfers.removeValue(forKey: ObjectIdentifier(transfer)) != nil else { return }
        if let easy = transfer.easy { curl_multi_remove_handle(multi, easy) }
        transfer.request.upload?.isReadNoMore()
        transfer.dispose()
        if let error { transfer.finish(throwing: error) } else { transfer.finish() }
    }

    private func endAll() {
        for transfer in Array(transfers.values) {
            let error = DockerError(.unavailable, message: "the client was closed", call: transfer.request.name)
            end(transfer, with: error)
        }
        curl_multi_cleanup(multi)
    }
}
