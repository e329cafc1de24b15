internal import FoundationEssentials
internal import SwiftProtobuf

/// Descriptor files, found by name, by what they declare and by what they extend.
struct DescriptorFiles {
    private var files: [String: Google_Protobuf_FileDescriptorProto] = [:]
    private var fileOfSymbol: [String: String] = [:]
    private var messages: Set<String> = []
    private var fileOfExtension: [String: [Int32: String]] = [:]

    /// Reads serialised FileDescriptorSets; a package under an alias is there under both names.
    init(base64 sets: [String], aliases: [String: String]) throws {
        for text in sets {
            guard let bytes = Data(base64Encoded: text) else {
                throw RPCError(.internal, "the server's descriptors are not base64")
            }
            for file in try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes).file {
                add(file)
                for alias in aliases where alias.value == file.package { add(file.renamed(to: alias.key)) }
            }
        }
    }

    private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) {
        guard files[file.name] == nil else { return }
        files[file.name] = file
        let scope = file.package.isEmpty ? "" : file.package + "."
        for message in file.messageType { add(message, scope, file.name) }
        for type in file.enumType { add(type, scope, file.name) }
        for field in file.extension { add(extension: field, scope, file.name) }
        for service in file.service {
            fileOfSymbol[scope + service.name] = file.name
            for method in service.method { fileOfSymbol["\(scope)\(service.name).\(method.name)"] = file.name }
        }
    }

    private mutating func add(_ message: Google_Protobuf_DescriptorProto, _ scope: String, _ file: String) {
        let name = scope + message.name
        fileOfSymbol[name] = file
        messages.insert(name)
        let inner = name + "."
        for field in message.field { fileOfSymbol[inner + field.name] = file }
        for choice in message.oneofDecl { fileOfSymbol[inner + choice.name] = file }
        for nested in message.nestedType { add(nested, inner, file) }
        for type in message.enumType { add(type, inner, file) }
        for field in message.extension { add(extension: field, inner, file) }
    }

    private mutating func add(_ type: Google_Protobuf_EnumDescriptorProto, _ scope: String, _ file: String) {
        fileOfSymbol[scope + type.name] = file
        // The values stand beside their enum, as in C++.
        for value in type.value { fileOfSymbol[scope + value.name] = file }
    }

    private mutating func add(
        extension field: Google_Protobuf_FieldDescriptorProto, _ scope: String, _ file: String
    ) {
        fileOfSymbol[scope + field.name] = file
        fileOfExtension[Self.bare(field.extendee), default: [:]][field.number] = file
    }

    private static func bare(_ type: String) -> String {
        type.hasPrefix(".") ? String(type.dropFirst()) : type
    }

    /// A file and all that it imports, itself first; nil when it is not here. Imports that are not here are left out.
    func closure(ofFile name: String) -> [Google_Protobuf_FileDescriptorProto]? {
        guard files[name] != nil else { return nil }
        var names = [name]
        var seen: Set<String> = [name]
        var next = 0
        while next < names.count {
            for dependency in files[names[next]]?.dependency ?? [] where seen.insert(dependency).inserted {
                names.append(dependency)
            }
            next += 1
        }
        return names.compactMap { files[$0] }
    }

    /// The closure of the file that declares a symbol.
    func closure(ofSymbol symbol: String) -> [Google_Protobuf_FileDescriptorProto]? {
        fileOfSymbol[Self.bare(symbol)].flatMap(closure(ofFile:))
    }

    /// The closure of the file that declares an extension.
    func closure(ofExtension number: Int32, of type: String) -> [Google_Protobuf_FileDescriptorProto]? {
        fileOfExtension[Self.bare(type)]?[number].flatMap(closure(ofFile:))
    }

    /// The numbers of a message's extensions; nil when there is no such message.
    func extensionNumbers(of type: String) -> [Int32]? {
        guard messages.contains(Self.bare(type)) else { return nil }
        return fileOfExtension[Self.bare(type)]?.keys.sorted() ?? []
    }
}

extension Google_Protobuf_FileDescriptorProto {
    /// The same file for another package, under a name made from the package's.
    fileprivate func renamed(to newPackage: String) -> Self {
        var copy = self
        let base = name[(name.lastIndex(of: "/").map(name.index(after:)) ?? name.startIndex)...]
        copy.name = newPackage.split(separator: ".").joined(separator: "/") + "/" + base
        copy.package = newPackage
        let (old, new) = (".\(package).", ".\(newPackage).")
        copy.messageType = messageType.map { $0.renamed(old, new) }
        copy.extension = self.extension.map { $0.renamed(old, new) }
        copy.service = service.map { service in
            var service = service
            for index in service.method.indices {
                service.method[index].inputType = service.method[index].inputType.renamed(old, new)
                service.method[index].outputType = service.method[index].outputType.renamed(old, new)
            }
            return service
        }
        return copy
    }
}

extension Google_Protobuf_DescriptorProto {
    fileprivate func renamed(_ old: String, _ new: String) -> Self {
        var copy = self
        copy.field = field.map { $0.renamed(old, new) }
        copy.extension = self.extension.map { $0.renamed(old, new) }
        copy.nestedType = nestedType.map { $0.renamed(old, new) }
        return copy
    }
}

extension Google_Protobuf_FieldDescriptorProto {
    fileprivate func renamed(_ old: String, _ new: String) -> Self {
        var copy = self
        if hasTypeName { copy.typeName = typeName.renamed(old, new) }
        if hasExtendee { copy.extendee = extendee.renamed(old, new) }
        return copy
    }
}

extension String {
    fileprivate func renamed(_ old: String, _ new: String) -> String {
        hasPrefix(old) ? new + dropFirst(old.count) : self
    }
}
