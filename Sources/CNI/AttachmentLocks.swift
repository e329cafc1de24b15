struct AttachmentLocks: Sendable {}
