import Cgroups
import Testing

@Suite("Huge page sizes")
struct HugepageLimitTests {
    @Test(
        "sizes are named as the kernel names them",
        arguments: [
            ("2Mi", "2MB"), ("2MB", "2MB"), ("1Gi", "1GB"), ("1GB", "1GB"), ("64Ki", "64KB"), ("64KB", "64KB"),
            ("2048Ki", "2MB"), ("1024MB", "1GB"), ("16G", "16GB"),
        ])
    func named(given: String, name: String) throws {
        #expect(try HugepageLimit(pageSize: given, limit: 0).kernelName() == name)
    }

    @Test(
        "what is no size is refused",
        arguments: ["", "MB", "2", "-2MB", "2XB", "2MB/../x", "0MB", "99999999999999999999MB", "2 MB", "2mb\n", "٢MB"])
    func refused(text: String) {
        #expect(throws: CgroupError.self) { try HugepageLimit(pageSize: text, limit: 0).kernelName() }
    }
}
