public import CRI

extension ImageSpec {
    /// As the user wrote it; where nobody knows that, what the runtime calls it.
    public var givenName: String { userSpecifiedImage.isEmpty ? image : userSpecifiedImage }
}
