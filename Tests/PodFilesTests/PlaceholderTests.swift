import Testing

@testable import PodFiles
