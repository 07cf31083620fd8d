package import Blobs
package import EventLoop
import GRPCFormat
package import GatewayProviders
import HTTPClient

/// A request's body that is put together while it is sent: its own text, and between it documents
/// that are read and encoded piece by piece, where they are read.
package actor MediaBody: LoopActor, HTTPBodySource {
  private enum Part: Sendable {
    case bytes([UInt8])
    case document(any BlobReading)
  }

  /// Of a document at once: whole groups of three bytes, so that nothing is filled up but its end.
  package static let pieceBytes = 3 << 16

  package nonisolated let loop: EventLoop
  package nonisolated let byteCount: Int
  /// What is still to be sent, the next at the end.
  private var parts: [Part]
  /// Why it broke off.
  package private(set) var failure: BlobError?

  /// `segments`: what each piece is, nil where it is to be read; nil where it has no reader.
  package init?(_ body: RequestBody, _ segments: [[UInt8]?], _ stored: StoredMedia) {
    var parts: [Part] = []
    for (piece, segment) in zip(body.pieces, segments) {
      if let segment {
        parts.append(.bytes(segment))
      } else if case .base64(let place, _) = piece, let reader = stored.readers[place] {
        parts.append(.document(reader))
      } else {
        return nil
      }
    }
    loop = stored.loop
    self.parts = parts.reversed()
    byteCount = body.byteCount
  }

  package func next() async throws -> [UInt8]? {
    while let part = parts.last {
      switch part {
      case .bytes(let bytes):
        parts.removeLast()
        return bytes
      case .document(let reader):
        do throws(BlobError) {
          let piece = try await reader.next(Self.pieceBytes) { Base64.encode($0, isPadded: true) }
          if let piece { return piece }
          parts.removeLast()
        } catch {
          failure = error
          throw error
        }
      }
    }
    return nil
  }
}
