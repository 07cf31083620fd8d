// GatewayMedia: the documents of calls: bytes that came with one, or that lie in the blob store and
// are read, proved and encoded while they are sent. It never has a stored document in memory as a
// whole, decides nothing about a call, and writes no blob. Limits: `MediaBody.pieceBytes`,
// `PipelineLimits.storedMediaMax`.

package import Blobs

/// A document or picture of a call: what its bytes are, and where.
package struct CallMedia: Sendable {
  package enum Place: Sendable {
    /// They came with the call.
    case here([UInt8])
    /// They are read while they are sent.
    case stored
  }

  package let ref: MediaRef
  package let place: Place

  /// Bytes that came with the call, named as they would be in the store: the same document is the
  /// same request, however it came.
  package init(_ bytes: [UInt8], type: String) {
    ref = MediaRef(hash: BlobHash(of: bytes), byteCount: bytes.count, type: type)
    place = .here(bytes)
  }

  package init(stored ref: MediaRef) {
    self.ref = ref
    place = .stored
  }

  /// What was read of the store.
  package init(here bytes: [UInt8], _ ref: MediaRef) {
    self.ref = ref
    place = .here(bytes)
  }

  package var isStored: Bool {
    switch place {
    case .here: false
    case .stored: true
    }
  }
}
