extension Docker {
    /// `GET /system/df`.
    ///
    /// API 1.52 moved the lists into the `…Usage` objects and dropped the old fields; the accessors read either.
    public struct SystemDataUsage: Codable, Sendable, Hashable {
        /// Bytes of all image layers; below API 1.52.
        public var LayersSize: Int64?
        /// Images; below API 1.52.
        public var Images: [ImageSummary]?
        /// Containers with their sizes; below API 1.52.
        public var Containers: [ContainerSummary]?
        /// Images; from API 1.52.
        public var ImageUsage: DiskUsage<ImageSummary>?
        /// Containers; from API 1.52.
        public var ContainerUsage: DiskUsage<ContainerSummary>?

        /// Nothing set.
        public init() {}

        /// Bytes of all image layers.
        public var imageBytes: Int64 { LayersSize ?? ImageUsage?.TotalSize ?? 0 }
        /// The images.
        public var images: [ImageSummary] { Images ?? ImageUsage?.Items ?? [] }
        /// The containers.
        public var containers: [ContainerSummary] { Containers ?? ContainerUsage?.Items ?? [] }
    }

    /// What one kind of object takes on disk.
    public struct DiskUsage<Item: Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
        /// Bytes.
        public var TotalSize: Int64?
        /// The objects; only with `verbose`.
        public var Items: [Item]?
    }
}
