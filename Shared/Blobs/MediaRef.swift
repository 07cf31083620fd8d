/// A document or picture by its content: what it is called, how large it is, and what it is.
package struct MediaRef: Hashable, Sendable {
  package let hash: BlobHash
  package let byteCount: Int
  /// `application/pdf`, `image/png` …
  package let type: String

  package init(hash: BlobHash, byteCount: Int, type: String) {
    self.hash = hash
    self.byteCount = byteCount
    self.type = type
  }
}
