internal import NRI

extension [String: String] {
    /// Takes changes by name; a name with a minus removes.
    public mutating func adjust(_ changes: [String: String]) {
        for (name, value) in changes {
            if let removed = Removal.of(name) {
                if changes[removed] == nil { self[removed] = nil }
            } else {
                self[name] = value
            }
        }
    }
}
