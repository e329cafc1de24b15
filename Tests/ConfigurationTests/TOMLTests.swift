import TOML
import Testing

@testable import Configuration

/// The one entry of a document, as "kind value" or "array kind value, …"; the message when it is refused.
private func read(_ document: String) -> String {
    do {
        let entries = try TOMLEntry.parse(Array(document.utf8), path: "F")
        guard entries.count == 1, let entry = entries.first else { return "\(entries.count) entries" }
        guard entry.kind == .array else { return "\(entry.kind) \(entry.value)" }
        return "array " + entry.elements.map { "\($0.kind) \($0.value)" }.joined(separator: ", ")
    } catch {
        return "\(error)"
    }
}

/// Outcomes that the specification (toml.io/en/v1.0.0) gives, for a document of one setting.
struct TOMLTests {
    @Test(arguments: [
        (#"a = "x \t \" \\ \u00e9 \U0001F600""#, "string x \t \" \\ é 😀"), (#"a = 'C:\x'"#, #"string C:\x"#),
        ("a = \"\"\"\nx\r\ny\"\"\"", "string x\ny"), ("a = '''\nx\n'''", "string x\n"),
        ("a = \"\"\"x \\\n\n   y\"\"\"", "string x y"), ("a = \"\"\"x\\  \n y\"\"\"", "string xy"),
        ("a = \"\"\"\"x\"\"\"\"\"", "string \"x\"\""), ("a = ''''x'''''", "string 'x''"), ("a = \"\"", "string "),
        ("a = '''x\\'''", "string x\\"),
        (#"a = "é"  # comment "#, "string é"), ("\u{feff}a = 'x'", "string x"), ("a='x'\r\n", "string x"),
    ]) func strings(document: String, outcome: String) {
        #expect(read(document) == outcome)
    }

    @Test(arguments: [
        ("a = 1_000", "integer 1000"), ("a = +5", "integer 5"), ("a = -17", "integer -17"), ("a = 0", "integer 0"),
        ("a = -0", "integer 0"), ("a = 0xDEAD_beef", "integer 3735928559"), ("a = 0o17", "integer 15"),
        ("a = 0b101", "integer 5"), ("a = true", "boolean true"), ("a = false", "boolean false"),
        ("a = 1.5", "other "), ("a = 1e6", "other "), ("a = -inf", "other "), ("a = nan", "other "),
        ("a = 1979-05-27T07:32:00Z", "other "), ("a = 07:32:00", "other "), ("a = 9223372036854775808", "other "),
    ]) func scalars(document: String, outcome: String) {
        #expect(read(document) == outcome)
    }

    @Test(arguments: [
        ("a = []", "array "), ("a = ['x', \"y\",]", "array string x, string y"),
        ("a = [ # one\n 'x' # two\n , \n 1 ]", "array string x, integer 1"),
        ("a = [['x'], true]", "array other , boolean true"),
    ]) func arrays(document: String, outcome: String) {
        #expect(read(document) == outcome)
    }

    @Test(arguments: [
        ("\"a b\" = 1", "a b"), ("'a' . b.\"c\" = 1", "a.b.c"), ("1-_A = 1", "1-_A"), ("\t a =1", "a"),
    ]) func keys(document: String, key: String) throws {
        #expect(try TOMLEntry.parse(Array(document.utf8), path: "F").map(\.key) == [key])
    }

    @Test func linesAreThoseOfTheKeys() throws {
        let document = "# x\n\na = '''\n\n'''\nb = [\n1,\n]\r\n  c = 1"
        #expect(try TOMLEntry.parse(Array(document.utf8), path: "F").map(\.line) == [3, 6, 9])
    }

    @Test(arguments: [
        ("a = 'x", "F:1: a string does not end"), ("a = 'x\ny'", "F:1: a string does not end on its line"),
        ("a = '''x''", "F:1: a string does not end"), (#"a = "\q""#, #"F:1: an escape that is none in a string: \q"#),
        (#"a = "\ud800""#, #"F:1: an escape that is no character: \ud800"#),
        (#"a = "\u12""#, #"F:1: an escape that is no character: \u12""#),
        ("a = \"\u{1}\"", "F:1: a control character in a string"),
        ("# \u{7f}", "F:1: a control character in a comment"), ("= 1", #"F:1: not a key: "= 1""#),
        ("a = [1 2]", #"F:1: an array wants , or ]: "2]""#), ("a = [1\n", "F:2: an array does not end"),
        ("a = [,]", #"F:1: ",]" is no value; a string wants quotes"#), ("a = {}", "F:1: a table: no setting is one"),
        ("a = 1 b = 2", #"F:1: more behind the value: "b = 2""#), ("a = 1\ra = 2", "F:1: more behind the value: \"\""),
        ("a..b = 1", #"F:1: not a key: ".b = 1""#), ("a = _1", #"F:1: "_1" is no value; a string wants quotes"#),
        ("[{", "F:1: a table: settings stand at the top level only"),
        ("a = é", #"F:1: "é" is no value; a string wants quotes"#),
        ("a = \(String(repeating: "[", count: 100_000))", "F:1: arrays within arrays too deep"),
        ("a = \"\"\"\\ x\"\"\"", "F:1: a backslash before a space"),
    ]) func mistakes(document: String, message: String) {
        #expect(read(document) == message)
    }

    @Test(arguments: ["01", "1__0", "_1", "1_", "0x", "0x_1", "+0x1", "--1", "1a"]) func noIntegers(text: String) {
        #expect(!read("a = \(text)").hasPrefix("integer"))
    }

    @Test func bytesThatAreNoText() {
        #expect(throws: ConfigurationError.self) { try TOMLEntry.parse([0x61, 0x3d, 0x27, 0xff, 0x27], path: "F") }
    }
}
