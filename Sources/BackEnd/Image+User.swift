public import CRI

extension Image {
    /// Takes in an image configuration's `User`.
    ///
    /// `1000:1000` is uid 1000, `www-data` is a name; the kubelet's runAsNonRoot looks at both.
    public mutating func setUser(_ user: String) {
        let name = user.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if name.isEmpty {
            uid.value = 0
        } else if name.allSatisfy({ $0.isASCII && $0.isNumber }) {
            // A number beyond 32 bits must not pass for a name (CVE-2024-40635 class).
            uid.value = UInt32(name).map(Int64.init) ?? 0
        } else {
            username = name
        }
    }
}
