/// What changes in a file, as `diff -u` shows it.
enum UnifiedDiff {
    private static let context = 3

    private enum Line {
        case kept(String)
        case removed(String)
        case added(String)

        var text: String {
            switch self {
            case .kept(let text): " \(text)"
            case .removed(let text): "-\(text)"
            case .added(let text): "+\(text)"
            }
        }
    }

    /// Lines of the difference; none when there is no difference. nil stands for a file that is not there.
    static func lines(_ path: String, from old: String?, to new: String?) -> [String] {
        let script = script(split(old), split(new))
        let changes = script.indices.filter { if case .kept = script[$0] { false } else { true } }
        guard old != new, !changes.isEmpty else { return [] }
        var lines = ["--- \(old == nil ? "/dev/null" : path)", "+++ \(new == nil ? "/dev/null" : path)"]
        for hunk in hunks(changes, count: script.count) {
            lines.append(title(script, hunk))
            lines += script[hunk].map(\.text)
        }
        return lines
    }

    /// A text's lines; the last tells that it has no line feed.
    private static func split(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() } else { lines[lines.count - 1] += "\n\\ No newline at end of file" }
        return lines
    }

    private static func script(_ old: [String], _ new: [String]) -> [Line] {
        let difference = new.difference(from: old)
        var (removed, added) = (Set<Int>(), Set<Int>())
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var script: [Line] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if left < old.count, removed.contains(left) {
                script.append(.removed(old[left]))
                left += 1
            } else if right < new.count, added.contains(right) {
                script.append(.added(new[right]))
                right += 1
            } else {
                script.append(.kept(old[left]))
                (left, right) = (left + 1, right + 1)
            }
        }
        return script
    }

    private static func hunks(_ changes: [Int], count: Int) -> [Range<Int>] {
        var hunks: [Range<Int>] = []
        for change in changes {
            let range = max(0, change - context)..<min(count, change + context + 1)
            if let last = hunks.last, last.upperBound >= range.lowerBound {
                hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
            } else {
                hunks.append(range)
            }
        }
        return hunks
    }

    private static func title(_ script: [Line], _ hunk: Range<Int>) -> String {
        func counts(_ lines: ArraySlice<Line>) -> (old: Int, new: Int) {
            lines.reduce((0, 0)) { sum, line in
                switch line {
                case .kept: (sum.0 + 1, sum.1 + 1)
                case .removed: (sum.0 + 1, sum.1)
                case .added: (sum.0, sum.1 + 1)
                }
            }
        }
        let (before, within) = (counts(script[..<hunk.lowerBound]), counts(script[hunk]))
        func side(_ start: Int, _ count: Int) -> String { "\(count == 0 ? start : start + 1),\(count)" }
        return "@@ -\(side(before.old, within.old)) +\(side(before.new, within.new)) @@"
    }
}
