public import CRI
internal import Synchronization

extension World {
    /// The image that a CRI `ImageSpec.image` names: an id, a unique prefix of one, a tag or a digest reference.
    public func image(_ name: String) -> ImageRecord? {
        state.withLock { state in
            if name.hasPrefix("sha256:"), let record = state.images.find(name) { return record }
            if let reference = ImageReference(name) {
                if let id = state.imageNames[reference.description] { return state.images.find(id) }
            }
            return Self.isHex(name) ? state.images.find("sha256:\(name)") : nil
        }
    }

    /// `ListImagesResponse` in its encoded form; a filter with a name keeps what that name resolves to.
    public func imageList(_ filter: ImageFilter?) -> EncodedList {
        guard let filter, !filter.image.image.isEmpty else { return state.withLock { $0.images.list() } }
        let id = image(filter.image.image)?.id
        return state.withLock { state in state.images.list { $0.id == id } }
    }

    /// Takes in a reading of an image; its names now mean this image.
    public func put(_ record: ImageRecord, _ ticket: Ticket) throws {
        try state.withLock { state in
            guard let (previous, _) = try state.images.put(record, ticket) else { return }
            for name in previous?.names ?? [] where state.imageNames[name] == record.id { state.imageNames[name] = nil }
            for name in record.names { state.imageNames[name] = record.id }
        }
    }

    /// Takes in that the image did not exist when `ticket` was drawn.
    public func removeImage(_ id: String, _ ticket: Ticket) {
        state.withLock { state in
            guard let record = state.images.remove(id, ticket) else { return }
            for name in record.names where state.imageNames[name] == id { state.imageNames[name] = nil }
        }
    }

    /// The images that a complete reading begun at `ticket` did not contain although older news had them.
    public func missing(images: Set<String>, _ ticket: Ticket) -> [String] {
        state.withLock { $0.images.missing(from: images, ticket) }
    }

    private static func isHex(_ text: String) -> Bool {
        text.utf8.count >= 4 && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}

extension ImageRecord {
    /// Every full name that means this image.
    var names: [String] {
        (image.repoTags + image.repoDigests).compactMap { ImageReference($0)?.description }
    }
}
