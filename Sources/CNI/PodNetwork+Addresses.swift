internal import Linux

extension PodNetwork {
    /// The global addresses of a pod's interface as the kernel has them now, the pod's IP first.
    ///
    /// - Parameter result: ADD's result, whose order decides with ``AddressPreference/cni``; without one IPv4 is first.
    /// - Returns: nothing when the interface has no address yet.
    /// Throws CNIError when the namespace is gone. Costs one short thread and two netlink messages.
    public func addresses(
        netns: String, interface: String = "eth0", result: NetworkResult? = nil
    ) async throws -> [String] {
        let present: [InterfaceAddress]
        do {
            let namespace = try await DedicatedThread.run { try NetworkNamespace(path: netns) }
            present = try await namespace.addresses(of: interface)
        } catch let error as SystemError {
            throw CNIError(.io, message: "cannot read the addresses of \(netns): \(error)")
        }
        return Self.order(present, by: result, settings.addressPreference)
    }

    static func order(
        _ present: [InterfaceAddress], by result: NetworkResult?, _ preference: AddressPreference
    ) -> [String] {
        let listed = (result?.podIPs ?? []).compactMap(InterfaceAddress.canonical)
        let known = listed.compactMap { text in present.first { $0.address == text } }
        let others = present.filter { !listed.contains($0.address) }
        let inOrder = known + others.filter { !$0.isIPv6 } + others.filter(\.isIPv6)
        let sorted =
            switch preference {
            case .cni: inOrder
            case .ipv4: inOrder.filter { !$0.isIPv6 } + inOrder.filter(\.isIPv6)
            case .ipv6: inOrder.filter(\.isIPv6) + inOrder.filter { !$0.isIPv6 }
            }
        return sorted.map(\.address)
    }
}
