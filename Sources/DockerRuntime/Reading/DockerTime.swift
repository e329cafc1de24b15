internal import Linux

/// RFC 3339 times of the Engine API as nanoseconds since the epoch; 0 for Docker's zero time and for nonsense.
func nanoseconds(_ text: String) -> Int64 {
    if text.hasPrefix("0001-") { return 0 }
    return max(0, RFC3339.nanoseconds(text) ?? 0)
}
