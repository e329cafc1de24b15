import OCI
import Testing

@testable import NativeRuntime

struct HandlerFeaturesTests {
    @Test(arguments: [
        // runc 1.1 tells nothing of id-mapped mounts, later ones do.
        (#"{"ociVersionMax":"1.0.2-dev","mountOptions":["ro","rro"],"linux":{"namespaces":["user"]}}"#, true, false),
        (#"{"mountOptions":["ro"],"linux":{"mountExtensions":{"idmap":{"enabled":true}}}}"#, false, true),
        (#"{"linux":{"mountExtensions":{"idmap":{"enabled":false}}}}"#, false, false), ("{}", false, false),
    ])
    func whatARuntimeTells(text: String, recursive: Bool, mapped: Bool) throws {
        let features = try HandlerFeatures(parsing: Array(text.utf8))
        #expect(features.recursiveReadOnlyMounts == recursive && features.mappedMounts == mapped)
    }

    @Test func rubbishIsAnError() {
        #expect(throws: JSONError.self) { try HandlerFeatures(parsing: Array("unknown command".utf8)) }
    }
}
