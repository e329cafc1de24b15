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
            try whole.map { try $0.world.take(record, record.id, from: $0.part) }
        }
    }

    /// Takes in that the image did not exist when `ticket` was drawn.
    public func removeImage(_ id: String, _ ticket: Ticket) {
        state.withLock { state in
            guard let record = state.images.remove(id, ticket) else { return }
            for name in record.names where state.imageNames[name] == id { state.imageNames[name] = nil }
            // A record that there was cannot fail to be encoded again.
            whole.map { try? $0.world.take(nil, id, from: $0.part) }
        }
    }

    /// Takes in what a part has of an image; nil when it has it no longer.
    private func take(_ record: ImageRecord?, _ id: String, from part: Int) throws {
        let (merged, ticket) = state.withLock { state in
            var parts = state.imageParts[id] ?? []
            while parts.count <= part { parts.append(nil) }
            parts[part] = record
            let held = parts.compactMap(\.self)
            state.imageParts[id] = held.isEmpty ? nil : parts
            state.ticket += 1
            return (held.dropFirst().reduce(held.first) { $0?.adding($1) }, Ticket(number: state.ticket))
        }
        if let merged { try put(merged, ticket) } else { removeImage(id, ticket) }
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
    /// The same image with the names that another store has for it as well.
    func adding(_ other: ImageRecord) -> ImageRecord {
        // Stores write the same name in different ways.
        let own = Set(names)
        let isNew = { (name: String) in ImageReference(name).map { !own.contains($0.description) } ?? false }
        var merged = self
        merged.image.repoTags = (image.repoTags + other.image.repoTags.filter(isNew)).sorted()
        merged.image.repoDigests = (image.repoDigests + other.image.repoDigests.filter(isNew)).sorted()
        merged.image.pinned = image.pinned || other.image.pinned
        return merged
    }

    /// Every full name that means this image.
    var names: [String] {
        (image.repoTags + image.repoDigests).compactMap { ImageReference($0)?.description }
    }
}
