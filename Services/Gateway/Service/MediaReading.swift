import Blobs
import Configuration
import Faults
import GatewayContract
import GatewayMedia
import GatewayPipeline
import GatewayProviders

/// Documents and pictures of a request of the mesh's, in the order in which it names them.
struct MediaReading {
  let hasBlobs: Bool
  private(set) var items: [CallMedia] = []

  init(hasBlobs: Bool) { self.hasBlobs = hasBlobs }

  mutating func read(_ media: Media, _ field: String) throws(Fault) -> ModelCall.Media {
    let item: CallMedia
    var pages: Int64?
    switch media.source {
    case .bytes(let bytes): item = CallMedia(bytes, type: media.type)
    case .ref(let ref):
      guard hasBlobs else { throw Self.noStore(field) }
      guard let hash = BlobHash(ref.hash) else {
        throw CallReading.bad("\(field).ref.hash", "not 64 lower-case hexadecimal digits")
      }
      guard ref.bytes > 0 else { throw CallReading.bad("\(field).ref.bytes", "no size") }
      if ref.pages > 0 { pages = Int64(ref.pages) }
      item = CallMedia(
        stored: .init(hash: hash, byteCount: Int(ref.bytes), type: media.type))
    default: throw CallReading.bad(field, "neither bytes nor a reference")
    }
    items.append(item)
    return ModelCall.Media(
      type: media.type, title: media.title, place: items.count - 1,
      byteCount: item.ref.byteCount, pages: pages)
  }

  private static func noStore(_ field: String) -> Fault {
    Fault(
      .failedPrecondition, reason: "NO_BLOB_STORE",
      "\(field): this gateway has no blob store to read a document from.",
      hint: "Set \(GatewaySettings.blobs.definition.variable) to the folder of the documents, or "
        + "send small ones as bytes.")
  }
}

extension CallMedia {
  /// What it is, without where it lies: pages change no answer.
  var named: Media.Source {
    .ref(GatewayContract.MediaRef(hash: ref.hash.text, bytes: Int64(ref.byteCount)))
  }
}
