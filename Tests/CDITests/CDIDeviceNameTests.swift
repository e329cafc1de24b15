import CDI
import Testing

@Suite("CDI device names")
struct CDIDeviceNameTests {
    @Test(
        "a qualified name has three parts", arguments: ["vendor.com/gpu=0", "nvidia.com/gpu=GPU-1:2", "v/c_l-a.s=a.b"])
    func parsed(text: String) throws {
        let name = try CDIDeviceName(text)
        #expect(name.description == text)
        #expect(name.kind == text.prefix { $0 != "=" })
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "gpu0", "vendor.com/gpu", "vendor.com=0", "vendor.com/gpu=", "/gpu=0", "vendor.com/=0", "a/b/c=0",
            "vendor.com/gpu=a/b", "vendor.com/gpu=a=b", "1vendor/gpu=0", "vendor./gpu=0", "vendor/gpu=-", "v/c=a\n",
            "v/c=é", "../c=0",
        ])
    func refused(text: String) {
        #expect(throws: CDIError.self) { try CDIDeviceName(text) }
    }
}
