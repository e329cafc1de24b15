public import ArgumentParser
internal import CRI
internal import Configuration
internal import Images
internal import Logging
internal import Runtime

/// `fender images`: what images there are, and archives of more.
public struct ImagesCommand: ParsableCommand {
    /// What `--help` says.
    public static let configuration = CommandConfiguration(
        commandName: "images", abstract: "List images, or take them from archives.",
        subcommands: [List.self, Import.self], defaultSubcommand: List.self)

    /// A command with no argument given.
    public init() {}

    /// `fender images list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List images; works with every CRI server.")

        @OptionGroup var connection: ConnectionOptions

        @Flag(help: "Print the CRI's messages as a JSON array.")
        var json = false

        func run() async throws {
            let images = try await connection.connected { try await $0.images() }
            if json { return print(try jsonArray(images)) }
            for line in ImagesCommand.table(images).lines { print(line) }
        }
    }

    /// A row for each name; images without one come last.
    static func table(_ images: [CRI.Image]) -> Table {
        var table = Table([
            ("IMAGE", .left), ("TAG", .left), ("ID", .left), ("SIZE", .right), ("PINNED", .left),
        ])
        let named = images.flatMap { image in
            (image.repoTags.isEmpty ? [""] : image.repoTags).map { (name: $0, image: image) }
        }
        for (name, image) in named.sorted(by: {
            ($0.name.isEmpty ? 1 : 0, $0.name) < ($1.name.isEmpty ? 1 : 0, $1.name)
        }) {
            // A port before the last slash is no tag.
            let colon = name.lastIndex(of: ":").flatMap { name[$0...].contains("/") ? nil : $0 }
            table.append([
                name.isEmpty ? repository(image) : String(name[..<(colon ?? name.endIndex)]),
                colon.map { String(name[name.index(after: $0)...]) } ?? "<none>", Quantities.short(image.id),
                Quantities.bytes(image.size), image.pinned ? "yes" : "",
            ])
        }
        return table
    }

    private static func repository(_ image: CRI.Image) -> String {
        image.repoDigests.first?.split(separator: "@").first.map(String.init) ?? "<none>"
    }

    /// `fender images import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take images into the store of pods without Docker, while no daemon has it open.",
            discussion: "From archives of docker save, and OCI image layouts as tar files.")

        @Option(help: "The daemon's root directory.")
        var rootDirectory = FenderConfiguration().rootDirectory

        @Option(help: "The name of the image in an archive of one, instead of what the archive says.")
        var name: String?

        @Argument(help: "Archives, compressed or not.", completion: .file())
        var archives: [String]

        func run() async throws {
            let store = try ImageStore(directory: "\(rootDirectory)/images", logger: Logger(label: "images"))
            let tags = try name.map { text in
                guard let reference = ImageReference(text), reference.digest == nil else {
                    throw ValidationError("--name: \(text) is not an image name with a tag")
                }
                return [reference.description]
            }
            for archive in archives {
                let images = try await store.importArchive(at: archive, tags: tags) { ImageReference($0)?.description }
                for image in images { print(image.repoTags.first ?? image.id) }
            }
        }
    }
}
