import DockerEngine
import TestSupport
import Testing

@Suite("Against a real dockerd", .timeLimit(.minutes(5)))
struct DaemonTests {
    @Test func versionAndInfoAreRead() async throws {
        let fixture = try await DaemonFixture.make()
        let version = try await fixture.engine.version()
        #expect(try await fixture.engine.apiVersion >= .oldest)
        #expect(APIVersion(version.ApiVersion) != nil)
        let info = try await fixture.engine.info()
        #expect(info.ServerVersion == version.Version)
        #expect(info.DockerRootDir == fixture.daemon.root + "/data")
        #expect(info.Runtimes["runc"] != nil)
        #expect(info.CgroupDriver == "cgroupfs")
        #expect(info.NCPU > 0 && info.MemTotal > 0)
    }
}
