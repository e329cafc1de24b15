/// A Kubernetes quantity such as `10M`, `1.5Gi` or `12e6`.
enum Quantity {
    /// The quantity as a whole number, rounded up; nil when the text is no quantity or too large for 64 bits.
    static func value(_ text: String) -> UInt64? {
        let number = text.prefix { $0.isNumber || $0 == "." || $0 == "+" }
        guard let factor = factor(text[number.endIndex...]) else { return nil }
        let unsigned = number.first == "+" ? number.dropFirst() : number
        let parts = unsigned.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        let digits = parts[0] + fraction
        guard !digits.isEmpty, digits.utf8.count <= 18,
            digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let mantissa = UInt128(digits)
        else { return nil }
        let (numerator, overflow) = mantissa.multipliedReportingOverflow(by: factor.numerator)
        if overflow { return nil }
        let denominator = factor.denominator * power(10, fraction.utf8.count)
        return UInt64(exactly: (numerator + denominator - 1) / denominator)
    }

    private static let suffixes: [Substring: (numerator: UInt128, denominator: UInt128)] = [
        "n": (1, power(10, 9)), "u": (1, power(10, 6)), "m": (1, 1000), "": (1, 1),
        "k": (1000, 1), "M": (power(10, 6), 1), "G": (power(10, 9), 1), "T": (power(10, 12), 1),
        "P": (power(10, 15), 1), "E": (power(10, 18), 1),
        "Ki": (power(2, 10), 1), "Mi": (power(2, 20), 1), "Gi": (power(2, 30), 1), "Ti": (power(2, 40), 1),
        "Pi": (power(2, 50), 1), "Ei": (power(2, 60), 1),
    ]

    private static func factor(_ suffix: Substring) -> (numerator: UInt128, denominator: UInt128)? {
        if let known = suffixes[suffix] { return known }
        guard suffix.first == "e" || suffix.first == "E", let exponent = Int(suffix.dropFirst()),
            (-18...18).contains(exponent)
        else { return nil }
        return exponent < 0 ? (1, power(10, -exponent)) : (power(10, exponent), 1)
    }

    private static func power(_ base: UInt128, _ exponent: Int) -> UInt128 {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }
}
