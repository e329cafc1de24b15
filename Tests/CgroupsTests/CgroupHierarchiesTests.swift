import Cgroups
import Testing

@Suite("Finding a process's cgroups")
struct CgroupHierarchiesTests {
    static let hybrid = CgroupHierarchies(
        mountinfo: """
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
            """)
    static let unified = CgroupHierarchies(
        mountinfo: "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n")

    @Test("layouts are told apart")
    func layouts() {
        #expect(Self.hybrid.layout == .hybrid)
        #expect(Self.unified.layout == .unified)
        let legacy = CgroupHierarchies(mountinfo: "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory")
        #expect(legacy.layout == .legacy)
    }

    @Test(
        "a controller's directory is in v1 where that has it, else in v2",
        arguments: [
            ("cpu", "/sys/fs/cgroup/cpu,cpuacct/kubepods/x"), ("cpuacct", "/sys/fs/cgroup/cpu,cpuacct/kubepods/x"),
            ("memory", "/sys/fs/cgroup/memory/m"), ("hugetlb", "/sys/fs/cgroup/unified/u:with/colon"),
            ("name=systemd", "/sys/fs/cgroup/systemd"),
        ])
    func directories(controller: String, directory: String) throws {
        let cgroup = try Self.hybrid.cgroup(
            text: "9:cpu,cpuacct:/kubepods/x\n4:memory:/m\n3:name=systemd:/\n2:rdma:/r\n0::/u:with/colon\n")
        #expect(cgroup.directory(of: controller) == directory)
        #expect(cgroup.unifiedDirectory == "/sys/fs/cgroup/unified/u:with/colon")
    }

    @Test("a pure v2 machine has one directory for all")
    func pure() throws {
        let cgroup = try Self.unified.cgroup(text: "0::/system.slice/docker-1.scope\n")
        for controller in ["cpu", "memory", "hugetlb"] {
            #expect(cgroup.directory(of: controller) == "/sys/fs/cgroup/system.slice/docker-1.scope")
        }
    }

    @Test("where part of a hierarchy is mounted, paths are below that part")
    func partialMount() throws {
        let hierarchies = CgroupHierarchies(
            mountinfo: "1 0 0:1 /docker/a\\040b /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
        #expect(
            try hierarchies.cgroup(text: "4:memory:/docker/a b/c").directory(of: "memory")
                == "/sys/fs/cgroup/memory/c")
        #expect(
            try hierarchies.cgroup(text: "4:memory:/docker/a b").directory(of: "memory") == "/sys/fs/cgroup/memory")
        #expect(try hierarchies.cgroup(text: "4:memory:/docker/a bc").directory(of: "memory") == nil)
    }

    @Test(
        "malformed lines and paths outside of the namespace are refused",
        arguments: ["4:memory:/../x", "4:memory:/a/../../x", "0::/..", "4:memory", "x", "4:memory:relative"])
    func refused(text: String) {
        #expect(throws: CgroupError.self) { try Self.hybrid.cgroup(text: text) }
    }

    @Test("our own process is found on this machine")
    func own() throws {
        let hierarchies = try CgroupHierarchies.read()
        let cgroup = try hierarchies.cgroup(of: 1)
        #expect(cgroup.directory(of: "memory") != nil)
        #expect(throws: (any Error).self) { try hierarchies.cgroup(of: 0x7fff_fffe) }
    }
}
