import CRI
import Linux
import Runtime
import Testing

@testable import NativeRuntime

private func mapping(_ container: UInt32 = 0, _ host: UInt32 = 1000, _ length: UInt32 = 100) -> CRI.IDMapping {
    var mapping = CRI.IDMapping()
    (mapping.containerID, mapping.hostID, mapping.length) = (container, host, length)
    return mapping
}

private func options(
    _ mode: NamespaceMode, _ users: [CRI.IDMapping], _ groups: [CRI.IDMapping]? = nil,
    _ change: (inout NamespaceOption) -> Void = { _ in }
) -> NamespaceOption {
    var options = NamespaceOption()
    options.pid = .container
    options.usernsOptions.mode = mode
    options.usernsOptions.uids = users
    options.usernsOptions.gids = groups ?? users
    change(&options)
    return options
}

struct UserNamespaceTests {
    @Test func nothingAskedForIsTheNodesOwn() throws {
        #expect(try NamespaceOption().idMaps() == nil)
        #expect(try options(.node, []).idMaps() == nil)
    }

    @Test func mapsAreTaken() throws {
        let maps = try options(.pod, [mapping(0, 1000, 65536)], [mapping(0, 2000, 65536)]).idMaps()
        #expect(maps?.host(user: 65535) == 66535 && maps?.host(group: 1) == 2001 && maps?.host(user: 65536) == nil)
    }

    @Test(arguments: [
        options(.pod, []), options(.pod, [mapping(), mapping()]), options(.pod, [mapping()], []),
        options(.pod, [mapping(1)]), options(.pod, [mapping(0, 1000, 0)]),
        options(.pod, [mapping()], [mapping(0, 1000, 99)]), options(.pod, [mapping(0, .max - 10, 100)]),
        options(.node, [mapping()]), options(.container, []), options(.target, [mapping()]),
        options(.pod, [mapping()]) { $0.pid = .node }, options(.pod, [mapping()]) { $0.ipc = .node },
    ])
    func whatTheCRIForbidsIsRefused(options: NamespaceOption) {
        let error = #expect(throws: RuntimeError.self) { try options.idMaps() }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [
        // "Nobody" is an empty range and stays one.
        ("0 2147483647", "1000 1099"), ("5 7", "1005 1007"), ("1 0", "1 0"), ("rubbish", "rubbish"),
    ])
    func pingGroups(asked: String, written: String) throws {
        #expect(try PodOwner(options(.pod, [mapping()])).onHost(groups: asked) == written)
        #expect(try PodOwner(NamespaceOption()).onHost(groups: asked) == asked)
    }

    @Test func pingGroupsBeyondWhatTheKernelTakes() throws {
        let owner = try PodOwner(options(.pod, [mapping(0, 1 << 31, 100)]))
        #expect(owner.onHost(groups: "0 10") == nil)
    }
}
