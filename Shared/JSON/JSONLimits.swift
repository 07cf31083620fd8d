/// What a reader of JSON accepts before it gives up.
package struct JSONLimits: Equatable, Sendable {
  /// Bytes of the whole document.
  package var bytesMax: Int
  /// Arrays and objects inside one another; the outermost counts as 1.
  package var depthMax: Int
  /// Values of any kind in the whole document.
  package var valuesMax: Int
  /// Bytes of one number; what is longer carries no meaning that anyone computes with.
  package var numberBytesMax: Int

  package init(
    bytesMax: Int = 64 << 20, depthMax: Int = 128, valuesMax: Int = 4_000_000,
    numberBytesMax: Int = 1024
  ) {
    self.bytesMax = bytesMax
    self.depthMax = min(depthMax, Self.depthCeiling)
    self.valuesMax = valuesMax
    self.numberBytesMax = numberBytesMax
  }

  /// Reading is not recursive but freeing and writing a tree are; this fits a small stack.
  package static let depthCeiling = 512
}
