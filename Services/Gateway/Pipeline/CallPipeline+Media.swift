import Blobs
import Faults
import GatewayCatalog
import GatewayMedia
import GatewayProviders

extension PipelineLimits {
  /// Documents of the store's in one call: each is an open file while the call is being sent.
  package static let storedMediaMax = 64
}

extension CallPipeline {
  /// Readers of what a call refers to, each at its start, by the places of what they read.
  ///
  /// Throws before anything is held or sent where one is missing or is not what was said of it.
  func readers(of call: PreparedCall) async throws -> [Int: any BlobReading] {
    let stored = call.request.storedMedia
    guard !stored.isEmpty else { return [:] }
    guard let blobs else { throw BlobError(.closed, "This gateway has no blob store") }
    try Self.check(stored.map(\.ref), of: call)
    var readers: [Int: any BlobReading] = [:]
    for (place, ref) in stored {
      readers[place] = try await blobs.open(ref.hash, byteCount: ref.byteCount)
    }
    return readers
  }

  /// From their start at every attempt; what is open now stays what it is. nil: there are none.
  func storedMedia(of call: PreparedCall) async throws -> StoredMedia? {
    let readers = try await readers(of: call)
    return readers.isEmpty ? nil : StoredMedia(readers: readers, loop: loop)
  }

  private static func check(_ stored: [MediaRef], of call: PreparedCall) throws(Fault) {
    guard stored.count <= PipelineLimits.storedMediaMax else {
      throw Fault(
        .outOfRange, reason: "TOO_MANY_DOCUMENTS",
        "A call refers to \(PipelineLimits.storedMediaMax) documents at most.",
        facts: ["limit": "storedMediaMax"])
    }
    let family = call.routes[0].dialect.family
    let most = family.requestBytesMax
    // Each is below the most, so that no sum of them is too large to be counted.
    let counts = stored.map { min($0.byteCount, most) }
    let count = counts.reduce(0) { $0 + ($1 + 2) / 3 * 4 }
    guard count <= most else {
      throw Fault(
        .outOfRange, reason: "REQUEST_TOO_LARGE",
        "Encoded, its documents have more than the \(most) bytes that a request of the provider's "
          + "may have.", hint: "Send fewer pages.", facts: ["limit": "requestBytesMax"])
    }
  }

  /// The call with its documents in memory, for a batch, which goes out as one body.
  ///
  /// As it was where they have more than `bytesMax`.
  package func withMediaHere(_ request: CallRequest, bytesMax: Int) async throws -> CallRequest {
    guard case .written(let written, var media) = request.content else { return request }
    let stored = request.storedMedia
    let isSmall = stored.allSatisfy { $0.ref.byteCount <= bytesMax }
    guard let blobs, !stored.isEmpty, stored.count <= PipelineLimits.storedMediaMax, isSmall,
      stored.reduce(0, { $0 + $1.ref.byteCount }) <= bytesMax
    else { return request }
    for (place, ref) in stored {
      let reader = try await blobs.open(ref.hash, byteCount: ref.byteCount)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(ref.byteCount)
      while let piece = try await reader.next(MediaBody.pieceBytes, { $0 }) { bytes += piece }
      media[place] = CallMedia(here: bytes, ref)
    }
    var here = request
    here.content = .written(written, media: media)
    return here
  }
}

extension CallRequest {
  /// Whether it has documents or pictures of its own, wherever they are.
  var hasMedia: Bool {
    if case .written(_, let media) = content { !media.isEmpty } else { false }
  }

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
