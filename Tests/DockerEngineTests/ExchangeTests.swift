import Testing

@testable import DockerEngine

@Suite struct ExchangeTests {
    @Test(arguments: [
        (Request.Method.get, "/v1.41/containers/json", "GET /containers/json"),
        (.post, "/containers/create", "POST /containers/create"),
        (.post, "/v1.45/containers/0123abcd/start", "POST /containers/{id}/start"),
        (.delete, "/v1.41/containers/0123abcd", "DELETE /containers/{id}"),
        (.get, "/v1.41/images/registry:5000/some/image:tag/json", "GET /images/{id}/json"),
        (.post, "/v1.41/images/create", "POST /images/create"),
        (.get, "/v1.41/events", "GET /events"), (.head, "/_ping", "HEAD /_ping"), (.get, "/", "GET /"),
        (.get, "/vault/secret", "GET /vault/{id}"),
    ])
    func routesHaveNoNames(_ method: Request.Method, _ path: String, _ route: String) {
        #expect(Request(method, path, deadline: nil).route == route)
    }
}
