internal import Linux
internal import Logging
internal import Synchronization

extension PodNetwork {
    /// Follows the configuration directory by inotify until the task is cancelled; the directory may come, go and
    /// come back.
    public func run() async {
        let stop: WakeEvent
        do {
            stop = try WakeEvent()
            try await withTaskCancellationHandler {
                try await DedicatedThread.run { [self] in follow(until: stop) }
            } onCancel: {
                stop.set()
            }
        } catch {
            logger.error("cannot follow the network configuration", metadata: ["error": "\(error)"])
        }
    }

    private func follow(until stop: WakeEvent) {
        while true {
            do {
                let watched = watchedPaths()
                let watch = try FileWatch(watched, events: FileWatch.directoryEvents)
                reload()
                // What appeared before the watch was set would not be told, and a new network may have a directory.
                guard watched == watchedPaths() else { continue }
                if watch.wait(stop) == .woken { return }
            } catch {
                // A path vanished in between, or the user's watches are used up: then looking is all that is left.
                reload()
                if stop.wait(milliseconds: 5_000) { return }
            }
        }
    }

    /// The directory, or the nearest one above it that exists, and the one of the network's further plugins.
    private func watchedPaths() -> [String] {
        var directory = settings.configurationDirectory
        guard !Files.exists(directory) else {
            let further = snapshot.network.map { "\(directory)/\($0.name)" }
            return [directory] + (further.map { Files.exists($0) ? [$0] : [] } ?? [])
        }
        while !Files.exists(directory), let slash = directory.lastIndex(of: "/") {
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
        return [directory]
    }

    private func reload() {
        let new = NetworkSnapshot.load(settings.configurationDirectory, substitute: settings.substitute)
        let old = state.withLock { state in
            defer { state.snapshot = new }
            return state.snapshot
        }
        guard new != old else { return }
        for (file, reason) in new.rejected where old.rejected[file] != reason {
            logger.warning("network configuration passed over", metadata: ["file": "\(file)", "reason": "\(reason)"])
        }
        guard new.network != old.network else { return }
        logger.info(
            "network configuration changed",
            metadata: ["network": "\(new.network?.name ?? "")", "file": "\(new.network?.path ?? "")"])
    }
}
