import Glibc
import Testing

@testable import Pause

@Suite struct PauseImageTests {
    @Test(arguments: PauseImage.Architecture.allCases)
    func archiveIsGzip(_ architecture: PauseImage.Architecture) {
        let archive = PauseImage.archive(architecture)
        #expect(archive.prefix(3) == [0x1f, 0x8b, 0x08])
        // The trailer's last word is the length of the tar inside, a whole number of blocks.
        let size = archive.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(size > 0 && size % 512 == 0)
    }

    /// What `docker load` will call the image must be what we look for afterwards.
    @Test(arguments: PauseImage.Architecture.allCases)
    func idIsTheDigestOfTheConfiguration(_ architecture: PauseImage.Architecture) throws {
        let directory = try temporaryDirectory()
        defer { _ = run("rm -rf \(directory)") }
        try write(PauseImage.archive(architecture), to: "\(directory)/pause.tar.gz")
        let hex = PauseImage.id(architecture).dropFirst("sha256:".count)
        let check = """
            set -eu; cd \(directory); tar -xzf pause.tar.gz
            echo "\(hex)  \(hex).json" | sha256sum --check --quiet
            grep -q '"architecture":"\(architecture.rawValue)"' \(hex).json
            grep -qF '"RepoTags":["\(PauseImage.reference)"]' manifest.json
            grep -qF '"Config":"\(hex).json"' manifest.json
            grep -qF "\\"diff_ids\\":[\\"sha256:$(sha256sum layer.tar | cut -d ' ' -f 1)\\"]" \(hex).json
            tar -xf layer.tar; test -x pause
            """
        #expect(run(check) == 0)
    }

    /// The program of this machine's architecture leaves with status 0 when asked to, as any other than PID 1.
    @Test(.timeLimit(.minutes(1)), arguments: [SIGTERM, SIGINT])
    func programEndsOnRequest(_ signal: CInt) throws {
        let directory = try temporaryDirectory()
        defer { _ = run("rm -rf \(directory)") }
        try write(PauseImage.archive(), to: "\(directory)/pause.tar.gz")
        // A signal that should be ignored comes first; the program must outlive it.
        let check = """
            set -eu; cd \(directory); tar -xzf pause.tar.gz; tar -xf layer.tar
            ./pause & pid=$!
            until grep -qx pause /proc/$pid/comm && grep -q '^State:.S' /proc/$pid/status; do :; done
            kill -USR1 $pid; kill -\(signal) $pid; wait $pid
            """
        #expect(run(check) == 0)
    }

    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar"),
    ])
    func base64(_ encoded: String, _ decoded: String) {
        // RFC 4648 section 10.
        #expect(decodeBase64(encoded.utf8) == Array(decoded.utf8))
    }

    @Test func base64CoversItsAlphabet() {
        let encoded = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let bytes = decodeBase64(encoded.utf8)
        #expect(bytes.count == 48)
        #expect(bytes.first == 0x00)
        #expect(bytes.suffix(3) == [0xf3, 0xdf, 0xbf])
    }
}

private func temporaryDirectory() throws -> String {
    var template = Array("/tmp/pause-XXXXXX".utf8CString)
    return String(cString: try #require(mkdtemp(&template)))
}

private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}

/// The exit status of a shell command.
private func run(_ command: String) -> CInt {
    let status = system(command)
    return status & 0x7f == 0 ? status >> 8 & 0xff : -1
}
