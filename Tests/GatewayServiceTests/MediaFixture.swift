import Blobs
import EventLoop
import GRPCFormat
import GatewayContract
import MeshAddressing
import RPC
import TestSupport
import Testing

/// A folder of documents, and calls that refer to them.
struct MediaFixture {
  /// A document in the folder.
  struct Document {
    let bytes: [UInt8]
    let ref: GatewayContract.MediaRef
    /// Its file.
    let path: String

    var base64: String { String(decoding: Base64.encode(bytes, isPadded: true), as: UTF8.self) }
  }

  let folder: String
  let blobs: LocalBlobs

  var settings: [String: String] { ["ASSAY_GATEWAY_BLOBS": folder] }

  static func with(_ body: (MediaFixture) async throws -> Void) async throws {
    try await ScratchFolder.with { scratch in
      let blobs = try await LocalBlobs.open(scratch.path, for: .writing)
      try await body(MediaFixture(folder: scratch.path, blobs: blobs))
      await blobs.close()
    }
  }

  /// Bytes that no two seeds share; a large document repeats itself, out of step with any piece.
  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    let block = (0..<min(count, 100_003)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + block.count)
    while bytes.count < count { bytes += block }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Puts a document into the folder.
  func document(_ count: Int, seed: UInt64 = 1) async throws -> Document {
    let bytes = Self.bytes(count, seed: seed)
    let writer = try await blobs.begin()
    var rest = bytes[...]
    while !rest.isEmpty {
      try await writer.append(Array(rest.prefix(1 << 20)))
      rest = rest.dropFirst(1 << 20)
    }
    let stored = try await writer.finish(as: nil)
    let name = stored.hash.text
    return Document(
      bytes: bytes, ref: .init(hash: name, bytes: Int64(stored.byteCount)),
      path: "\(folder)/\(name.prefix(2))/\(name.dropFirst(2))")
  }

  /// A question about a document.
  static func request(
    _ key: String, _ source: Media.Source, model: String = "claude-haiku-4-5",
    cache: CallPolicy.Cache = .normal, retriesMax: UInt32? = nil
  ) -> GenerateRequest {
    GenerateRequest(
      callKey: key, model: model,
      blocks: [
        Block(role: .user, media: Media(type: "application/pdf", source: source, title: "Plan")),
        Block(role: .user, text: "Is it sound?"),
      ], outputTokensMax: 50, policy: CallPolicy(cache: cache, retriesMax: retriesMax))
  }

  static var options: CallOptions {
    var options = CallOptions()
    _ = options.metadata.add("assay-product", "demo")
    return options
  }

  /// A client of the fixture's gateway.
  static func client<R>(
    _ fixture: GatewayFixture, _ body: (Channel, GatewayClient) async throws -> R
  ) async throws -> R {
    let channel = Channel(to: .unix(path: "\(fixture.folder)/gw.sock"), on: fixture.loop)
    let result = try await body(channel, GatewayClient(channel))
    await channel.shutDown()
    return result
  }
}
