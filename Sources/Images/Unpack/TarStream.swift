internal import CArchive
internal import Glibc

/// Reads a tar archive that comes in chunks, with libarchive: ustar, pax, GNU's and old forms, sparse files.
///
/// For one thread.
final class TarStream {
    /// Where the bytes come from: the next chunk, valid until the next call; nil at the end.
    private let source: () throws -> UnsafeRawBufferPointer?
    private let archive: OpaquePointer
    private let entry: OpaquePointer
    /// Why the source failed; libarchive knows only that it did.
    private var failure: (any Error)?

    init(_ source: @escaping () throws -> UnsafeRawBufferPointer?) throws {
        guard let archive = archive_read_new(), let entry = archive_entry_new() else {
            throw ImageError(.failed, "libarchive: out of memory")
        }
        self.source = source
        self.archive = archive
        self.entry = entry
        fender_archive_names_are_utf8()
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
        // Not retained: libarchive is freed with this value, and calls back only while one of its methods runs.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let code = archive_read_open(
            archive, context, nil,
            { _, context, place in
                guard let context, let place else { return -1 }
                return Unmanaged<TarStream>.fromOpaque(context).takeUnretainedValue().read(into: place)
            }, nil)
        try check(code)
    }

    deinit {
        archive_entry_free(entry)
        archive_read_free(archive)
    }

    private func read(into place: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do {
            guard let chunk = try source() else { return 0 }
            place.pointee = chunk.baseAddress
            return chunk.count
        } catch {
            failure = error
            return Int(ARCHIVE_FATAL)
        }
    }

    /// Warnings, such as a name that is not UTF-8, are let pass.
    private func check(_ code: CInt) throws {
        if code >= ARCHIVE_WARN { return }
        if let failure { throw failure }
        let text = archive_error_string(archive).map { String(cString: $0) } ?? "malformed"
        throw ImageError(.invalid, "tar: \(text)")
    }

    /// The next entry, which is valid until the next call; nil at the end.
    func next() throws -> TarEntry? {
        let code = archive_read_next_header2(archive, entry)
        if code == ARCHIVE_EOF { return nil }
        try check(code)
        return try TarEntry(entry)
    }

    /// A part of the current entry's content and its offset, valid until the next call; nil at the end. What lies
    /// between parts is a hole.
    func content() throws -> (bytes: UnsafeRawBufferPointer, offset: Int64)? {
        var start: UnsafeRawPointer?
        var count = 0
        var offset: Int64 = 0
        let code = archive_read_data_block(archive, &start, &count, &offset)
        if code == ARCHIVE_EOF { return nil }
        try check(code)
        return (UnsafeRawBufferPointer(start: start, count: count), offset)
    }
}

/// One entry of a tar archive.
struct TarEntry {
    enum Kind {
        case directory
        case file
        case link(to: String)
        case symbolicLink(to: String)
        case characterDevice
        case blockDevice
        case pipe
    }

    let kind: Kind
    /// As the archive has it.
    let path: String
    /// Permission bits with set-user-id, set-group-id and sticky.
    let mode: mode_t
    let owner: uid_t
    let group: gid_t
    let modified: timespec
    let size: Int64
    let device: dev_t
    private let entry: OpaquePointer

    fileprivate init(_ entry: OpaquePointer) throws {
        self.entry = entry
        guard let path = archive_entry_pathname(entry).map({ String(cString: $0) }) else {
            throw ImageError(.invalid, "tar: an entry without a name")
        }
        self.path = path
        kind = try Self.kind(entry, path)
        mode = archive_entry_perm(entry) & 0o7777
        guard let owner = uid_t(exactly: archive_entry_uid(entry)), owner != .max,
            let group = gid_t(exactly: archive_entry_gid(entry)), group != .max
        else { throw ImageError(.invalid, "tar: \(path.debugDescription): an owner out of range") }
        self.owner = owner
        self.group = group
        modified = timespec(tv_sec: archive_entry_mtime(entry), tv_nsec: archive_entry_mtime_nsec(entry))
        size = archive_entry_size(entry)
        device = archive_entry_rdev(entry)
        guard size >= 0 else { throw ImageError(.invalid, "tar: \(path.debugDescription): a negative size") }
    }

    private static func kind(_ entry: OpaquePointer, _ path: String) throws -> Kind {
        if let target = archive_entry_hardlink(entry) { return .link(to: String(cString: target)) }
        switch archive_entry_filetype(entry) {
        case S_IFDIR: return .directory
        case S_IFREG: return .file
        case S_IFLNK: return .symbolicLink(to: archive_entry_symlink(entry).map { String(cString: $0) } ?? "")
        case S_IFCHR: return .characterDevice
        case S_IFBLK: return .blockDevice
        case S_IFIFO: return .pipe
        default: throw ImageError(.invalid, "tar: \(path.debugDescription): an entry of unknown type")
        }
    }

    /// Calls `body` with each extended attribute.
    func forEachAttribute(_ body: (String, UnsafeRawBufferPointer) throws -> Void) rethrows {
        guard archive_entry_xattr_reset(entry) > 0 else { return }
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name else { continue }
            try body(String(cString: name), UnsafeRawBufferPointer(start: value, count: size))
        }
    }
}
