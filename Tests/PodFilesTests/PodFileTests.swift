import Glibc
import Linux
import PodFiles
import TestScratch
import Testing

@Suite("Rewriting a file in place")
struct PodFileTests {
    private static func inode(_ path: String) throws -> UInt {
        var status = stat()
        try system("stat", path) { stat(path, &status) }
        return UInt(status.st_ino)
    }

    @Test("the inode stays and the text is exact", arguments: ["", "a\n", "longer than before\nand more\n"])
    func rewrites(text: String) throws {
        let scratch = try Scratch()
        let path = scratch("resolv.conf")
        try Files.replace(path, with: Array("nameserver 10.0.0.1\n".utf8))
        let before = try Self.inode(path)
        try PodFile.rewrite(path, text)
        #expect(try Files.read(path) == Array(text.utf8))
        #expect(try Self.inode(path) == before)
    }

    @Test("an unchanged file is not written")
    func unchanged() throws {
        let scratch = try Scratch()
        let path = scratch("resolv.conf")
        try Files.replace(path, with: Array("same\n".utf8))
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        try system("utimensat", path) { utimensat(AT_FDCWD, path, &times, 0) }
        try PodFile.rewrite(path, "same\n")
        var status = stat()
        try system("stat", path) { stat(path, &status) }
        #expect(status.st_mtim.tv_sec == 1)
    }

    @Test("a huge file is cut to the text")
    func huge() throws {
        let scratch = try Scratch()
        let path = scratch("resolv.conf")
        try Files.replace(path, with: Array("x".utf8))
        try system("truncate", path) { truncate(path, 1 << 40) }
        try PodFile.rewrite(path, "new\n")
        #expect(try Files.read(path) == Array("new\n".utf8))
    }

    @Test("links, FIFOs, directories and absent files are refused")
    func refused() throws {
        let scratch = try Scratch()
        let target = scratch("target")
        try Files.replace(target, with: Array("kept".utf8))
        symlink(target, scratch("link"))
        mkfifo(scratch("fifo"), 0o600)
        mkdir(scratch("directory"), 0o700)
        for name in ["link", "fifo", "directory", "absent"] {
            #expect(throws: (any Error).self) { try PodFile.rewrite(scratch(name), "new") }
        }
        #expect(try Files.text(target) == "kept")
        #expect(!Files.exists(scratch("absent")))
    }
}
