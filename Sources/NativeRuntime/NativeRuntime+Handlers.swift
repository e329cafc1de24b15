internal import CRI
internal import Executor
internal import Linux
internal import Logging
internal import OCI
internal import Runtime
internal import Synchronization

/// What an OCI runtime in the executor's place can do, as its `features` command tells (runtime-spec, features.md). One
/// that has no such command is taken to do what every runtime does.
struct HandlerFeatures: Sendable, Equatable {
    /// Mounts that are read-only with all mounts below.
    var recursiveReadOnlyMounts = false
    /// Mounts with ids of their own.
    var mappedMounts = false
    /// Processes that begin in a cgroup of their own; its help tells that.
    var startsInCgroup = false

    init() {}

    init(parsing bytes: [UInt8]) throws {
        let document = try JSON(parsing: bytes)
        recursiveReadOnlyMounts = (document["mountOptions"]?.texts ?? []).contains("rro")
        mappedMounts = document["linux"]?["mountExtensions"]?["idmap"]?["enabled"] == .bool(true)
    }
}

/// Runtime handlers: the executor, and OCI runtimes driven by their command line.
extension NativeRuntime {
    /// The built-in executor as a runtime handler.
    static let handlerName = "native"

    /// The runtime handlers there are, without the empty name.
    public var handlerNames: Set<String> { Set(settings.handlers.keys).union([Self.handlerName]) }

    /// Throws InvalidArgument for a handler that there is not.
    func check(handler: String, _ options: NamespaceOption) throws {
        if handler.isEmpty || handler == Self.handlerName { return }
        guard let path = settings.handlers[handler] else {
            throw RuntimeError(
                .invalidArgument, "runtime handler \(handler): there are only \(handlerNames.sorted())")
        }
        guard Files.exists(path) else {
            throw RuntimeError(.failedPrecondition, "runtime handler \(handler): \(path): no such file")
        }
        if try options.idMaps() != nil {
            throw RuntimeError(
                .unimplemented, "runtime handler \(handler): user namespaces are for \(Self.handlerName) alone")
        }
    }

    /// The runtime that makes a sandbox's containers; nil is the executor. Throws when it is no longer configured.
    func program(of sandbox: SandboxRecord) throws -> RuntimeProgram? {
        let handler = sandbox.status.runtimeHandler
        if handler.isEmpty || handler == Self.handlerName { return nil }
        guard let path = settings.handlers[handler] else {
            throw RuntimeError(.failedPrecondition, "runtime handler \(handler): it is no longer configured")
        }
        return RuntimeProgram(
            path: path, root: "\(settings.nativeState)/handlers/\(handler)",
            startsInCgroup: features.withLock { $0[handler]?.startsInCgroup } ?? false)
    }

    /// What a sandbox's runtime can do; nil for the executor, which can do all.
    func features(of sandbox: SandboxRecord) throws -> HandlerFeatures? {
        guard try program(of: sandbox) != nil else { return nil }
        return features.withLock { $0[sandbox.status.runtimeHandler] } ?? HandlerFeatures()
    }

    /// Asks each runtime what it can do.
    func readFeatures() async {
        for (name, path) in settings.handlers {
            guard Files.exists(path) else {
                logger.warning("runtime handler has no program", metadata: ["handler": "\(name)", "path": "\(path)"])
                continue
            }
            var found = HandlerFeatures()
            if let output = await output(of: path, ["features"]) {
                found = (try? HandlerFeatures(parsing: output)) ?? found
            }
            let help = await output(of: path, ["exec", "--help"]) ?? []
            found.startsInCgroup = String(decoding: help, as: UTF8.self).contains("--cgroup")
            features.withLock { [found] in $0[name] = found }
        }
    }

    /// What a program prints; nil when it fails.
    private func output(of path: String, _ arguments: [String]) async -> [UInt8]? {
        var command = Command(path)
        command.arguments = arguments
        command.deadline = .now + .seconds(10)
        let outcome = try? await command.run()
        return outcome?.status == .exited(0) ? outcome?.output : nil
    }

    /// All handlers as `Status` lists them; one without its program is left out.
    var handlerList: [RuntimeHandler] {
        let own = ["", Self.handlerName].map { name in
            var handler = RuntimeHandler()
            handler.name = name
            handler.features.recursiveReadOnlyMounts = true
            handler.features.userNamespaces = obstacleToUserNamespaces == nil
            return handler
        }
        let known = features.withLock { $0 }
        let others = settings.handlers.sorted { $0.key < $1.key }.filter { Files.exists($0.value) }.map { name, _ in
            var handler = RuntimeHandler()
            handler.name = name
            handler.features.recursiveReadOnlyMounts = known[name]?.recursiveReadOnlyMounts ?? false
            return handler
        }
        return own + others
    }
}
