import ImageRoot
import Testing

@Suite("Users of an image")
struct UserDatabaseTests {
    static let database = try? UserDatabase(
        passwd: Array(
            """
            root:x:0:0:root:/root:/bin/sh
            # comment:x:1:1::/:/bin/sh
            app:x:1000:1001:App:/home/app:/bin/sh
            4294967296:x:0:0::/:/bin/sh
            -1:x:0:0::/:/bin/sh
            broken:x:12
            wide:x:4294967297:0::/:/bin/sh
            app:x:7:7::/second:/bin/sh
            """.utf8),
        group: Array(
            """
            root:x:0:
            app:x:1001:
            audio:x:29:app,other
            video:x:44:other,app
            wheel:x:10:root
            99:x:0:app
            """.utf8))

    @Test(
        "the image's user in all its forms",
        arguments: [
            ("", 0, 0, [0, 10]), ("root", 0, 0, [0, 10]), ("0", 0, 0, [0, 10]),
            ("app", 1000, 1001, [1001, 29, 44, 0]), ("1000", 1000, 1001, [1001, 29, 44, 0]),
            ("app:audio", 1000, 29, [29, 44, 0]), ("app:99", 1000, 99, [99, 29, 44, 0]),
            ("1000:5", 1000, 5, [5, 29, 44, 0]), ("4242", 4242, 0, [0]), ("4242:app", 4242, 1001, [1001]),
            ("app:", 1000, 1001, [1001, 29, 44, 0]), (":app", 0, 1001, [1001, 10]), ("007", 7, 7, [7, 29, 44, 0]),
            ("4294967294:4294967294", 4_294_967_294, 4_294_967_294, [4_294_967_294]),
        ] as [(String, UInt32, UInt32, [UInt32])])
    func imageUser(text: String, uid: UInt32, gid: UInt32, groups: [UInt32]) throws {
        let user = try #require(Self.database).resolve(UserRequest(imageUser: text))
        #expect((user.uid, user.gid) == (uid, gid))
        #expect(user.groups == groups)
    }

    @Test(
        "numbers beyond 32 bits and signs are never names",
        arguments: [
            "4294967296", "4294967295", "99999999999999999999999", "-1", "+5", "--1", "1000:4294967296", "1000:-1",
        ])
    func numbers(text: String) throws {
        let database = try #require(Self.database)
        #expect { try database.resolve(UserRequest(imageUser: text)) } throws: {
            ($0 as? ImageRootError)?.code == .invalid
        }
    }

    @Test(
        "names the image lacks are not found",
        arguments: ["nobody", "broken", "wide", "0x0", "app:nogroup", " app", "a:b:c"])
    func unknown(text: String) throws {
        let database = try #require(Self.database)
        #expect { try database.resolve(UserRequest(imageUser: text)) } throws: {
            ($0 as? ImageRootError)?.code == .notFound
        }
    }

    @Test("the CRI's user goes before the image's")
    func criUser() throws {
        let database = try #require(Self.database)
        var request = UserRequest(imageUser: "app")
        request.uid = 0
        request.gid = 3
        request.supplementalGroups = [5, 10, 5]
        #expect(try database.resolve(request) == ResolvedUser(uid: 0, gid: 3, groups: [3, 5, 10], home: "/root"))
        request.policy = .strict
        request.supplementalGroups = [5]
        #expect(try database.resolve(request).groups == [3, 5])
        request.uid = nil
        request.username = "app"
        request.policy = .merge
        #expect(try database.resolve(request).groups == [3, 5, 29, 44, 0])
    }

    @Test("a group without a user, and numbers out of range, are refused")
    func badRequests() throws {
        let database = try #require(Self.database)
        var request = UserRequest(imageUser: "app")
        request.gid = 5
        #expect(throws: ImageRootError.self) { try database.resolve(request) }
        request = UserRequest()
        request.uid = -1
        #expect(throws: ImageRootError.self) { try database.resolve(request) }
        request.uid = 1
        request.supplementalGroups = [1 << 32]
        #expect(throws: ImageRootError.self) { try database.resolve(request) }
    }

    @Test("the image's user for the kubelet is a number where it is one")
    func kubeletForm() {
        #expect(UserDatabase.imageUser("1000:5").uid == 1_000)
        #expect(UserDatabase.imageUser("4294967296").uid == 4_294_967_296)
        #expect(UserDatabase.imageUser("app:5").username == "app")
        #expect(UserDatabase.imageUser("").uid == nil)
    }

    @Test("over-large files are refused and over-long lines passed over")
    func caps() throws {
        let huge = [UInt8](repeating: 0x61, count: UserDatabase.limit + 1)
        #expect(throws: ImageRootError.self) { try UserDatabase(passwd: huge, group: []) }
        let long =
            Array("long:x:5:5:".utf8) + [UInt8](repeating: 0x61, count: 300 << 10) + Array("::\nok:x:6:6:::\n".utf8)
        let database = try UserDatabase(passwd: long, group: [])
        #expect(throws: ImageRootError.self) { try database.resolve(UserRequest(imageUser: "long")) }
        #expect(try database.resolve(UserRequest(imageUser: "ok")).uid == 6)
    }
}
