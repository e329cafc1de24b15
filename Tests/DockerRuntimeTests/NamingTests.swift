import CRI
import Testing

@testable import DockerRuntime

struct NamingTests {
    @Test func namesAreDockershims() {
        var pod = PodSandboxMetadata()
        pod.name = "web"
        pod.namespace = "default"
        pod.uid = "u-1"
        pod.attempt = 3
        var container = ContainerMetadata()
        container.name = "nginx"
        container.attempt = 2
        #expect(DockerName.sandbox(pod) == "k8s_POD_web_default_u-1_3")
        #expect(DockerName.container(container, in: pod) == "k8s_nginx_web_default_u-1_2")
        #expect(
            DockerName.parse("/k8s_nginx_web_default_u-1_2")
                == .init(container: "nginx", pod: "web", namespace: "default", uid: "u-1", attempt: 2))
        #expect(DockerName.parse("/k8s_nginx_web_default_u-1_2_0a1b2c3d")?.attempt == 2)
    }

    @Test(arguments: [
        "", "/", "web", "k8s_a_b_c_d", "k8s_a_b_c_d_x", "x8s_a_b_c_d_1", "k8s_a_b_c_d_1_2_3", "k8s_a_b_c_d_-1",
    ])
    func foreignNamesAreNotOurs(name: String) {
        #expect(DockerName.parse(name) == nil)
    }

    @Test(arguments: [
        ["app": "web"],
        ["annotation.fake": "x", "io.kubernetes.docker.type": "podsandbox", "io.fender.mounts": "y"],
        ["io.kubernetes.container.name": "mine"],
        ["io.fender.label.x": "nested"],
    ])
    func labelsComeBackIdentical(labels: [String: String]) {
        let annotations = ["io.kubernetes.container.hash": "1", "annotation.twice": "2", "": "empty"]
        let encoded = DockerLabel.encode(
            labels: labels, annotations: annotations, reserving: "io.kubernetes.container.name")
        let decoded = DockerLabel.decode(encoded, reserving: "io.kubernetes.container.name")
        #expect(decoded == .init(labels: labels, annotations: annotations))
    }

    @Test func dockershimsLabelsAreRead() {
        let decoded = DockerLabel.decode([
            "io.kubernetes.docker.type": "container", "io.kubernetes.sandbox.id": "s",
            "io.kubernetes.container.logpath": "/l", "io.kubernetes.pod.name": "p",
            "annotation.io.kubernetes.container.hash": "h",
        ])
        #expect(decoded.labels == ["io.kubernetes.pod.name": "p"])
        #expect(decoded.annotations == ["io.kubernetes.container.hash": "h"])
    }

    @Test func labelsOfTheImageAreLeftOut() {
        let decoded = DockerLabel.decode([
            "maintainer": "x", "annotation.io.smuggled": "y", "mine": "z",
            DockerLabel.foreign: "maintainer\nannotation.io.smuggled",
        ])
        #expect(decoded == .init(labels: ["mine": "z"]))
    }

    @Test func checksumsAreCRIDockerds() {
        var config = PodSandboxConfig()
        #expect(Checkpoint(config).checksum == 2_305_795_928)
        config.linux.securityContext.namespaceOptions.network = .node
        #expect(Checkpoint(config).checksum == 12_315_789)
    }
}
