import Testing

@testable import CNI

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":2,"b2":{"z":[],"y":{}}}"#, "[1.50,-0.0,1e400,123456789012345678901234567890,0.1E-7]",
        #"["\"\\\u001f",true,false,null,"ü😀"]"#, #""""#, "-1",
    ])
    func documentsSurviveUnchanged(_ text: String) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(String(decoding: value.bytes, as: UTF8.self) == text)
    }

    @Test(arguments: [
        (#""\u00fc\ud83d\ude00\n\/""#, "ü😀\n/"), (#""\ud800x""#, "\u{fffd}x"), (#""\ud800\u0041""#, "\u{fffd}A"),
        (#""\udc00""#, "\u{fffd}"), (#""\u0000""#, "\0"),
    ])
    func escapesAreRead(_ text: String, _ expected: String) throws {
        #expect(try JSONValue(parsing: Array(" \t\r\n\(text) \n".utf8)) == .string(expected))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", "01", "-", "1.", ".5", "+1", "1e",
        "0x1",
        "tru", "nul", "NaN", #""a"#, "\"\u{1}\"", #""\x""#, #""\u12""#, #""\u12g4""#, #""\u+123""#, "1 2", "{} x",
        "'a'",
        String(repeating: "[", count: 100_000),
    ])
    func whatIsNoDocumentIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func bytesThatAreNoTextAreReplaced() throws {
        #expect(try JSONValue(parsing: [0x22, 0xff, 0x61, 0x22]) == .string("\u{fffd}a"))
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0xff]) }
    }

    @Test func everyPrefixAndFlippedByteOfADocumentIsHandled() {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",{"b":null}],"c":true}"#.utf8)
        for length in text.indices {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text[..<length])) }
        }
        for index in text.indices {
            for bit in 0..<8 {
                var changed = text
                changed[index] ^= 1 << UInt8(bit)
                if let value = try? JSONValue(parsing: changed) {
                    #expect((try? JSONValue(parsing: value.bytes)) == value)
                }
            }
        }
    }

    @Test func lastOfTwoMembersCounts() throws {
        var value = try JSONValue(parsing: Array(#"{"a":1,"b":2,"a":3}"#.utf8))
        #expect(value["a"] == .number("3"))
        value["a"] = .bool(true)
        #expect(String(decoding: value.bytes, as: UTF8.self) == #"{"a":true,"b":2}"#)
        value["a"] = nil
        value["c"] = .null
        #expect(String(decoding: value.bytes, as: UTF8.self) == #"{"b":2,"c":null}"#)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("\u{ff}~?", "w79+Pw=="),
    ])
    func base64(_ plain: String, _ encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zg===", "=", "====", "Z!==", "Zg==Zg==", "Zm9v\n"])
    func whatIsNoBase64IsNil(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
