/// What a reader of YAML accepts before it gives up.
package struct YAMLLimits: Equatable, Sendable {
  /// Bytes of the whole document.
  package var bytesMax: Int
  /// Sequences and mappings inside one another, through aliases too.
  package var depthMax: Int
  /// Nodes of the tree, those that aliases and merge keys repeat counted each time.
  package var nodesMax: Int

  package init(bytesMax: Int = 1 << 20, depthMax: Int = 64, nodesMax: Int = 100_000) {
    self.bytesMax = bytesMax
    self.depthMax = depthMax
    self.nodesMax = nodesMax
  }
}
