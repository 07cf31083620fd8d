import Faults
import RPC
import ScoreContract
import StoreBackend
import StoreContract

extension StoreCalls {
  func export(
    _ request: ExportRequest, responses: ResponseWriter<ExportChunk>, context: ServerContext
  ) async throws {
    let product = try product(context)
    guard request.format == .csv || request.format == .jsonLines else {
      throw Fault(
        .invalidArgument, reason: "BAD_EXPORT_FORMAT", "An export is CSV or JSON Lines.",
        violations: [.init(field: "format", description: "is unknown")])
    }
    // An unknown run is refused before the first byte.
    _ = try await readers.ask(.quick) { try $0.run(request.runId, of: product).run?.id }
    var writer = ExportWriter(request.format)
    writer.begin()
    let header = writer.take()
    if !header.isEmpty { try await responses.send(ExportChunk(data: header)) }
    var behind: Int64 = -1
    while true {
      let after = behind
      let page = try await readers.ask(.long) { reader in
        try ExportPage(of: request, after: after, from: reader, in: product)
      }
      for chunk in page.chunks { try await responses.send(ExportChunk(data: chunk)) }
      guard let last = page.last, !page.isLast else { return }
      behind = last
    }
  }

  func backup(
    _ request: BackupRequest, responses: ResponseWriter<BackupProgress>, context: ServerContext
  ) async throws {
    try await backups.copy(to: request.name) { try await responses.send($0) }
  }
}

/// Some rows of an export, written on the reader's thread.
private struct ExportPage: Sendable {
  let chunks: [[UInt8]]
  let last: Int64?
  let isLast: Bool

  /// Of one message; a row that is longer goes alone.
  private static let chunkBytesMax = 256 << 10

  init(
    of request: ExportRequest, after: Int64, from reader: any StoreReading, in product: ProductScope
  ) throws {
    let page = try reader.units(
      ReadUnitsRequest(
        runId: request.runId, afterOrdinal: after, limit: UInt32(ReaderLimits.rowsPerPage)),
      of: product)
    var writer = ExportWriter(request.format)
    var chunks: [[UInt8]] = []
    for unit in page.units {
      let verdict =
        unit.verdictId.isEmpty ? nil : try reader.verdict(unit.verdictId, of: product)
      writer.write(ExportRow(unit, verdict))
      if writer.bytes.count >= Self.chunkBytesMax { chunks.append(writer.take()) }
    }
    if !writer.bytes.isEmpty { chunks.append(writer.take()) }
    self.chunks = chunks
    last = page.units.last?.ordinal
    isLast = page.isLast
  }
}
