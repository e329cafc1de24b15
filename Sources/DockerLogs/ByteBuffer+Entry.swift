extension ByteBuffer {
    /// Appends the CRI lines of one Docker entry: one line, or several if its content is too long for one.
    ///
    /// Docker's content ends with a newline unless the entry is a part of a line; that is the CRI tag F or P.
    func append(_ entry: Entry, of line: UnsafeRawBufferPointer) {
        let start = count
        append(UnsafeRawBufferPointer(rebasing: line[entry.time]))
        append(entry.isStderr ? " stderr F " : " stdout F ")
        let contentStart = count
        appendUnescaped(UnsafeRawBufferPointer(rebasing: line[entry.log]))
        guard count > contentStart else { return appendPartEnd(contentStart) }
        let last = count - 1
        let isLong = count - contentStart > LineConverter.contentLimit
        if isLong || bytes.index(of: UInt8(ascii: "\n"), in: contentStart..<last) != nil {
            split(lineStart: start, contentStart: contentStart)
        } else if base[last] != UInt8(ascii: "\n") {
            appendPartEnd(contentStart)
        }
    }

    /// Ends a line as a part: the tag before its content becomes P.
    private func appendPartEnd(_ contentStart: Int) {
        set(contentStart - 2, UInt8(ascii: "P"))
        append(UInt8(ascii: "\n"))
    }

    /// Writes a line that is already here again as several, each at most ``LineConverter/contentLimit`` long.
    private func split(lineStart: Int, contentStart: Int) {
        let header = Array(bytes[lineStart..<contentStart])
        let content = Array(bytes[contentStart..<count])
        truncate(to: lineStart)
        header.withUnsafeBytes { header in
            content.withUnsafeBytes { content in
                var position = 0
                while position < content.count {
                    let end = Self.pieceEnd(content, from: position)
                    append(header)
                    let pieceStart = count
                    append(UnsafeRawBufferPointer(rebasing: content[position..<end]))
                    if content[end - 1] != UInt8(ascii: "\n") { appendPartEnd(pieceStart) }
                    position = end
                }
            }
        }
    }

    /// Where the piece that starts at `start` ends: behind a newline, or at the limit, but not inside a character.
    private static func pieceEnd(_ content: UnsafeRawBufferPointer, from start: Int) -> Int {
        let limit = start + LineConverter.contentLimit
        let newline = content.index(of: UInt8(ascii: "\n"), in: start..<content.count)
        if let newline, newline <= limit { return newline + 1 }
        guard limit < content.count else { return content.count }
        // At most three bytes of UTF-8 continue a character.
        for end in stride(from: limit, to: limit - 4, by: -1) where content[end] & 0xC0 != 0x80 { return end }
        return limit
    }
}
