/// Makes tar archives, bad ones too, without asking whether they make sense.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    /// The archive with its end.
    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    mutating func file(_ name: String, _ text: String = "", mode: Int = 0o644, owner: Int = 0, time: Int = 1_000) {
        entry("0", name, content: Array(text.utf8), mode: mode, owner: owner, time: time)
    }

    mutating func directory(_ name: String, mode: Int = 0o755, owner: Int = 0, time: Int = 1_000) {
        entry("5", name, mode: mode, owner: owner, time: time)
    }

    mutating func link(_ name: String, to target: String) { entry("1", name, link: target) }

    mutating func symbolicLink(_ name: String, to target: String) { entry("2", name, link: target, mode: 0o777) }

    mutating func device(_ name: String, type: String = "3", major: Int, minor: Int) {
        entry(type, name, mode: 0o600, device: (major, minor))
    }

    /// Records that hold for the next entry (pax).
    mutating func records(_ records: [(String, String)]) {
        let text = records.map { key, value in
            // The length counts its own digits.
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count
            while "\(length)".utf8.count + rest.utf8.count != length {
                length = "\(length)".utf8.count + rest.utf8.count
            }
            return "\(length)\(rest)"
        }.joined()
        entry("x", "pax", content: Array(text.utf8))
    }

    mutating func entry(
        _ type: String, _ name: String, content: [UInt8] = [], link: String = "", mode: Int = 0o644, owner: Int = 0,
        time: Int = 1_000, device: (Int, Int) = (0, 0), size: Int? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, _ limit: Int) {
            for (index, byte) in text.utf8.prefix(limit).enumerated() { header[offset + index] = byte }
        }
        func number(_ value: Int, at offset: Int, digits: Int) {
            let text = String(value, radix: 8)
            put(String(repeating: "0", count: max(0, digits - text.utf8.count)) + text, at: offset, digits)
        }
        put(name, at: 0, 100)
        number(mode, at: 100, digits: 7)
        number(owner, at: 108, digits: 7)
        number(owner, at: 116, digits: 7)
        number(size ?? content.count, at: 124, digits: 11)
        number(time, at: 136, digits: 11)
        put(type, at: 156, 1)
        put(link, at: 157, 100)
        put("ustar\u{0}00", at: 257, 8)
        number(device.0, at: 329, digits: 7)
        number(device.1, at: 337, digits: 7)
        put("        ", at: 148, 8)
        number(header.reduce(0) { $0 + Int($1) }, at: 148, digits: 6)
        header[154] = 0
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }
}
