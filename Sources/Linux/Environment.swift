internal import CLinux
internal import Glibc

/// The process's environment, for the start of the program: nothing else may change it meanwhile.
public enum Environment {
    /// Every variable by name; of a name that stands twice the first.
    public static func variables() -> [String: String] {
        var variables: [String: String] = [:]
        guard var entry = fender_environment() else { return variables }
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 && variables[String(parts[0])] == nil {
                variables[String(parts[0])] = String(parts[1])
            }
            entry += 1
        }
        return variables
    }

    /// Takes a variable away from us and from the programs that we start.
    public static func remove(_ name: String) {
        unsetenv(name)
    }
}
