internal import SwiftProtobuf

/// A CRI list as it goes over the wire: every entry framed as field 1 of the reply.
public struct EncodedList: Sendable {
    /// All entries, one after the other.
    public private(set) var bytes: [UInt8] = []
    /// Where each entry ends in `bytes`.
    public private(set) var ends: [Int] = []

    /// An empty list.
    public init() {}

    mutating func append(framed entry: [UInt8]) {
        bytes.append(contentsOf: entry)
        ends.append(bytes.count)
    }

    /// Adds an encoded message.
    public mutating func append(_ entry: [UInt8]) { append(framed: Self.framed(entry)) }

    /// The message as field 1, length-delimited, of a list reply.
    static func framed(_ body: [UInt8]) -> [UInt8] {
        var framed: [UInt8] = [0x0A]
        framed.reserveCapacity(body.count + 6)
        var length = UInt64(body.count)
        while length >= 0x80 {
            framed.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        framed.append(UInt8(length))
        framed.append(contentsOf: body)
        return framed
    }

    /// The list in pieces of whole entries, each at most `limit` bytes unless a single entry is larger.
    public func pieces(limit: Int = 1 << 20) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        var previous = 0
        for end in ends {
            if end - start > limit, previous > start {
                pieces.append(bytes[start..<previous])
                start = previous
            }
            previous = end
        }
        if previous > start { pieces.append(bytes[start..<previous]) }
        return pieces
    }
}

/// When a fact was read; a later ticket is newer news.
public struct Ticket: Sendable, Comparable {
    let number: UInt64

    /// Drawn before the other.
    public static func < (left: Ticket, right: Ticket) -> Bool { left.number < right.number }
}

/// The records of one kind, each beside its encoded list entry.
///
/// News about one id may arrive out of order: what was read earlier never replaces what was read later, and a
/// removal is remembered so that a late reading does not bring the dead back.
struct Shelf<Record: WorldRecord>: Sendable {
    private struct Entry: Sendable {
        var record: Record
        var framed: [UInt8]
        var ticket: Ticket
    }

    private var entries: [String: Entry] = [:]
    private var removed: [String: Ticket] = [:]
    private var removalOrder: [String] = []
    private var whole: EncodedList?

    /// How many removals are remembered.
    private static var removalMemory: Int { 4096 }

    var count: Int { entries.count }
    var records: [Record] { entries.values.map(\.record) }

    /// The record with this id, or the only one whose id begins with it.
    func find(_ id: String) -> Record? {
        if let entry = entries[id] { return entry.record }
        guard !id.isEmpty else { return nil }
        var found: Record?
        for (key, entry) in entries where key.hasPrefix(id) {
            if found != nil { return nil }
            found = entry.record
        }
        return found
    }

    /// Takes in a reading; nil when newer news is already here, else what stood there before.
    mutating func put(_ record: Record, _ ticket: Ticket) throws -> (previous: Record?, current: Record)? {
        if let known = removed[record.id], known >= ticket { return nil }
        let previous = entries[record.id]
        if let previous, previous.ticket > ticket { return nil }
        entries[record.id] = Entry(record: record, framed: try Self.frame(record), ticket: ticket)
        whole = nil
        return (previous?.record, record)
    }

    /// Takes in that the object was gone when `ticket` was drawn; answers what stood there.
    mutating func remove(_ id: String, _ ticket: Ticket) -> Record? {
        if let entry = entries[id], entry.ticket > ticket { return nil }
        if removed.updateValue(ticket, forKey: id) == nil { removalOrder.append(id) }
        if removalOrder.count > Self.removalMemory {
            let half = Self.removalMemory / 2
            for old in removalOrder.prefix(half) { removed[old] = nil }
            removalOrder.removeFirst(half)
        }
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        whole = nil
        return entry.record
    }

    /// The ids that a complete reading taken at `ticket` did not contain.
    func missing(from ids: Set<String>, _ ticket: Ticket) -> [String] {
        entries.filter { $0.value.ticket < ticket && !ids.contains($0.key) }.map(\.key)
    }

    /// The encoded list of all records, or of those that `include` accepts, newest first.
    mutating func list(where include: ((Record) -> Bool)? = nil) -> EncodedList {
        if include == nil, let whole { return whole }
        var list = EncodedList()
        for entry in entries.values.sorted(by: Self.newestFirst) where include?(entry.record) ?? true {
            list.append(framed: entry.framed)
        }
        if include == nil { whole = list }
        return list
    }

    private static func newestFirst(_ left: Entry, _ right: Entry) -> Bool {
        left.record.createdAt == right.record.createdAt
            ? left.record.id < right.record.id : left.record.createdAt > right.record.createdAt
    }

    /// The entry as field 1 of a list reply.
    private static func frame(_ record: Record) throws -> [UInt8] {
        EncodedList.framed(try record.listEntry())
    }
}
