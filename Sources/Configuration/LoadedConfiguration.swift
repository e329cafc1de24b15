internal import Glibc
internal import Linux
internal import TOML

/// The settings and how they came about.
public struct LoadedConfiguration: Sendable {
    /// Every setting, checked.
    public private(set) var values = FenderConfiguration()
    /// Where each option that is not at its default came from, by the option's name.
    public private(set) var origins: [String: Origin] = [:]
    /// One line each for what was given and has no effect.
    public private(set) var warnings: [String] = []

    /// Reads the environment, then the file over it, then the flags over both.
    ///
    /// - Parameters:
    ///   - environment: variables by name; those that do not begin with `FENDER_`, or are empty, are not ours.
    ///   - defaultFile: the file that is read when neither flag nor environment names one; it may be absent.
    ///   - socketPassed: whether the service manager passed a socket, which then is the default endpoint.
    /// - Throws: ``ConfigurationError`` for the first setting that cannot be taken, whether another overrides it or not.
    public init(
        flags: CommandLineFlags, environment: [String: String] = [:],
        defaultFile: String = FenderConfiguration().file, socketPassed: Bool = false
    ) throws {
        values.file = defaultFile
        if socketPassed { values.containerRuntimeEndpoint = .inherited(nil) }
        try apply(environment)
        for (option, text, origin) in flags.settings where option.key == nil { try set(option, text, origin) }
        try applyFile()
        for (option, text, origin) in flags.settings { try set(option, text, origin) }
        try checkTogether()
    }

    /// Reads a file that is not written yet, and the flags over it. Throws as above.
    public init(flags: CommandLineFlags, document: [UInt8], path: String) throws {
        values.file = path
        try apply(document)
        for (option, text, origin) in flags.settings { try set(option, text, origin) }
        try checkTogether()
    }

    /// The names of the options that have another value than in `other`.
    public func settingsThatDiffer(from other: LoadedConfiguration) -> [String] {
        ConfigurationOption.all.filter { $0.show(values) != $0.show(other.values) }.map(\.name)
    }

    private mutating func apply(_ environment: [String: String]) throws {
        let ours = environment.filter { $0.key.hasPrefix("FENDER_") && !$0.value.isEmpty }
        for option in ConfigurationOption.all {
            guard let text = ours[option.environment] else { continue }
            try set(option, text, .environment(option.environment))
        }
        // Kubernetes itself sets FENDER_* for a service of that name, so others are no error.
        let names = ConfigurationOption.all.map(\.environment)
        for name in ours.keys.sorted() where !names.contains(name) {
            guard let near = suggestion(for: name, among: names) else { continue }
            warnings.append("\(name.printable) is no setting; did you mean \(near)?")
        }
    }

    private mutating func applyFile() throws {
        let path = values.file
        let document: [UInt8]
        do {
            document = try Files.read(path, limit: 1 << 20)
        } catch let error as SystemError {
            guard let origin = origins["config"] else {
                if error.code == ENOENT { return }
                throw ConfigurationError(.file(path, line: 0), "", "\(error)")
            }
            throw ConfigurationError(origin, "", "\(error)")
        }
        try apply(document)
    }

    private mutating func apply(_ document: [UInt8]) throws {
        for entry in try TOMLEntry.parse(document, path: values.file) {
            let origin = Origin.file(values.file, line: entry.line)
            guard let option = ConfigurationOption.all.first(where: { $0.key == entry.key }) else {
                let hint = suggestion(for: entry.key, among: ConfigurationOption.all.compactMap(\.key))
                throw ConfigurationError(
                    origin, entry.key, "no such setting" + (hint.map { "; did you mean \($0)?" } ?? ""))
            }
            try set(option, try entry.text(for: option, origin), origin)
        }
    }

    private mutating func set(_ option: ConfigurationOption, _ text: String, _ origin: Origin) throws {
        do {
            try option.assign(text, &values)
        } catch let error as InvalidValue {
            throw ConfigurationError(origin, option.key ?? option.name, "\(text.quoted): \(error.reason)")
        }
        origins[option.name] = origin
        if let reason = option.ignored, option.show(values) != option.defaultText {
            let warning = "\(option.flag) has no effect: \(reason)"
            if !warnings.contains(warning) { warnings.append(warning) }
        }
    }

    private func checkTogether() throws {
        for (name, path) in [
            ("docker-tls-ca", values.dockerTLSCA), ("docker-tls-cert", values.dockerTLSCert),
            ("docker-tls-key", values.dockerTLSKey),
        ] where !path.isEmpty {
            guard case .unix = values.dockerEndpoint, let origin = origins[name] else { continue }
            throw ConfigurationError(origin, name, "docker-endpoint is a Unix socket, which has no TLS")
        }
        if values.runtime == .native, values.networkPlugin == .none, let origin = origins["network-plugin"] {
            throw ConfigurationError(origin, "network-plugin", "none is Docker's bridge, which native has not")
        }
        try checkPair("docker-tls", values.dockerTLSCert, values.dockerTLSKey)
        try checkPair("streaming-tls", values.streamingTLSCert, values.streamingTLSKey)
        if !values.streamingTLSClientCA.isEmpty, values.streamingTLSCert.isEmpty,
            let origin = origins["streaming-tls-client-ca"]
        {
            throw ConfigurationError(origin, "streaming-tls-client-ca", "needs streaming-tls-cert beside it")
        }
    }

    /// A certificate and its key, neither without the other.
    private func checkPair(_ prefix: String, _ certificate: String, _ key: String) throws {
        for (name, other, isMissing) in [
            ("\(prefix)-cert", "\(prefix)-key", key.isEmpty), ("\(prefix)-key", "\(prefix)-cert", certificate.isEmpty),
        ] where isMissing {
            guard let origin = origins[name], certificate != key else { continue }
            throw ConfigurationError(origin, name, "needs \(other) beside it")
        }
    }
}
