internal import CRI
internal import RPC
internal import Runtime

/// The ImageService.
extension CRIService {
    func addImages(to table: inout MethodTable) {
        table.encoded(.image, "ListImages") { (request: ListImagesRequest) in
            Payload(try knownWorld().imageList(request.hasFilter ? request.filter : nil).bytes)
        }
        table.stream(.image, "StreamImages") { (request: StreamImagesRequest, writer) in
            try await write(knownWorld().imageList(request.hasFilter ? request.filter : nil), to: writer)
        }
        table.unary(.image, "ImageStatus") { (request: ImageStatusRequest) in
            try require(request.image.image, "image.image")
            var response = ImageStatusResponse()
            _ = try knownWorld()
            guard let record = runtime.image(request.image) else { return response }
            response.image = record.image
            if request.verbose { response.info = try await runtime.info(of: record) }
            return response
        }
        table.unary(.image, "PullImage") { (request: PullImageRequest) in
            try require(request.image.image, "image.image")
            _ = try knownWorld()
            var response = PullImageResponse()
            response.imageRef = try await runtime.pullImage(
                request.image, auth: request.hasAuth ? request.auth : nil,
                sandboxConfig: request.hasSandboxConfig ? request.sandboxConfig : nil)
            return response
        }
        table.unary(.image, "RemoveImage") { (request: RemoveImageRequest) in
            try require(request.image.image, "image.image")
            if let record = try runtime.image(request.image) ?? knownWorld().image(request.image.image) {
                try await runtime.removeImage(record)
            }
            return RemoveImageResponse()
        }
        table.unary(.image, "ImageFsInfo") { (_: ImageFsInfoRequest) in try await runtime.imageFsInfo() }
    }
}
