internal import Executor

/// The executor's container: the CRI has a message of that name, and Swift a protocol of the module's.
typealias ExecutorContainer = Container
