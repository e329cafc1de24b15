internal import Bridge
internal import Glibc
internal import Linux
internal import OCI

/// The built-in pod network's plugin: the Container Network Interface's verbs by environment and standard input.
@main
struct FenderBridge {
    private static let versions = ["0.4.0", "1.0.0"]

    static func main() {
        do {
            let answer = try run(Environment.variables())
            if let answer { print(answer) }
        } catch let error as BridgeError {
            fail(error.code, "\(error)")
        } catch let error as SpecError {
            fail(7, "\(error)")
        } catch let error as JSONError {
            fail(6, "\(error)")
        } catch {
            fail(5, "\(error)")
        }
    }

    /// Does what `CNI_COMMAND` says, and answers what is to be printed.
    private static func run(_ variables: [String: String]) throws -> JSON? {
        let verb = variables["CNI_COMMAND"] ?? ""
        if verb == "VERSION" {
            return .compact([
                ("cniVersion", .string("1.0.0")), ("supportedVersions", .array(versions.map { .string($0) })),
            ])
        }
        let plugin = try BridgePlugin(Field(JSON(parsing: Files.read("/dev/stdin", limit: 1 << 20))))
        let request = BridgePlugin.Request(
            sandbox: variables["CNI_CONTAINERID"] ?? "", namespace: variables["CNI_NETNS"] ?? "",
            interface: variables["CNI_IFNAME"] ?? "")
        guard !request.sandbox.isEmpty, !request.interface.isEmpty else {
            throw SpecError("CNI_CONTAINERID, CNI_IFNAME", "must be given")
        }
        switch verb {
        case "ADD": return try plugin.add(request)
        case "DEL": try plugin.delete(request)
        case "CHECK": try plugin.check(request)
        default: throw SpecError("CNI_COMMAND", "must be ADD, DEL, CHECK or VERSION")
        }
        return nil
    }

    /// Tells an error in the specification's form (section 5) and ends.
    private static func fail(_ code: Int, _ message: String) {
        print(JSON.compact([("cniVersion", .string("1.0.0")), ("code", .integer(code)), ("msg", .string(message))]))
        exit(1)
    }
}
