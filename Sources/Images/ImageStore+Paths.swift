extension ImageStore {
    /// The directory of the store.
    public var directory: String { layout.directory }

    /// The directories of an image's unpacked layers, the topmost first.
    public func layers(of image: StoredImage) -> [String] {
        let chain = image.chainIDs.compactMap { Digest($0) }
        return chain.map(layout.files).reversed()
    }
}
