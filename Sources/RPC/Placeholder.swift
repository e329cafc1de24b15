// Placeholder until the layer is built.
enum RPCPlaceholder {}
