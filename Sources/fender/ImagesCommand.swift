internal import ArgumentParser
internal import Configuration
internal import Images
internal import Logging
internal import Runtime

/// `fender images`: the image store of pods without Docker.
struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "Work on the image store of pods without Docker, while no daemon has it open.",
        subcommands: [Import.self])

    /// `fender images import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the images of archives: of docker save, or OCI image layouts as tar files.")

        @Option(help: "The daemon's root directory.")
        var rootDirectory = FenderConfiguration().rootDirectory

        @Option(help: "The name of the image in an archive of one, instead of what the archive says.")
        var name: String?

        @Argument(help: "Archives, compressed or not.", completion: .file())
        var archives: [String]

        func run() async throws {
            let store = try ImageStore(directory: "\(rootDirectory)/images", logger: Logger(label: "images"))
            let name = try name.map { text in
                guard let reference = ImageReference(text), reference.digest == nil else {
                    throw ValidationError("--name: \(text) is not an image name with a tag")
                }
                return reference.description
            }
            for archive in archives {
                let images = try await store.importArchive(at: archive, name: name) { ImageReference($0)?.description }
                for image in images { print(image.repoTags.first ?? image.id) }
            }
        }
    }
}
