/// `NN-NAME`: a place in the order, and a name.
struct PluginName: Sendable, Equatable {
    var index: String
    var name: String

    var full: String { "\(index)-\(name)" }

    /// Nil unless the index is two digits and the name of letters, digits and `-_.+`.
    init?(index: String, name: String) {
        guard index.utf8.count == 2, index.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        guard !name.isEmpty, name.utf8.count <= 255, name.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.index = index
        self.name = name
    }

    /// From the name of a plugin's file.
    init?(file: String) {
        guard let dash = file.firstIndex(of: "-") else { return nil }
        self.init(index: String(file[..<dash]), name: String(file[file.index(after: dash)...]))
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"): true
        default: false
        }
    }
}
