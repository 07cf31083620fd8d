package import Blobs

/// A document or picture of a call: what its bytes are, and where.
package struct CallMedia: Sendable {
  enum Place: Sendable {
    /// They came with the call.
    case here([UInt8])
    /// They are read while they are sent.
    case stored
  }

  package let ref: MediaRef
  let place: Place

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
  init(here bytes: [UInt8], _ ref: MediaRef) {
    self.ref = ref
    place = .here(bytes)
  }

  var isStored: Bool {
    switch place {
    case .here: false
    case .stored: true
    }
  }
}

extension CallRequest {
  /// Whether it refers to documents of the store's.
  package var hasStoredMedia: Bool { !storedMedia.isEmpty }

  /// Documents that have to be read from the store, by their places.
  var storedMedia: [(place: Int, ref: MediaRef)] {
    guard case .written(_, let media) = content else { return [] }
    return media.enumerated().compactMap { place, item in
      item.isStored ? (place, item.ref) : nil
    }
  }
}
