import Faults
import JSON
import RPC
import ScoreContract
import StoreContract
import Testing

@testable import StoreService

@Suite(.timeLimit(.minutes(2))) struct ExportTests {
  /// RFC 4180, read back by its own rules.
  private func parseCSV(_ text: [UInt8]) -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var cell: [UInt8] = []
    var isQuoted = false
    var index = 0
    while index < text.count {
      let byte = text[index]
      if isQuoted {
        if byte == UInt8(ascii: "\"") {
          if index + 1 < text.count, text[index + 1] == byte {
            cell.append(byte)
            index += 1
          } else {
            isQuoted = false
          }
        } else {
          cell.append(byte)
        }
      } else if byte == UInt8(ascii: "\"") {
        isQuoted = true
      } else if byte == UInt8(ascii: ",") || byte == 0x0A {
        if cell.last == 0x0D, byte == 0x0A { cell.removeLast() }
        row.append(String(decoding: cell, as: UTF8.self))
        cell = []
        if byte == 0x0A {
          rows.append(row)
          row = []
        }
      } else {
        cell.append(byte)
      }
      index += 1
    }
    return rows
  }

  private func export(
    _ client: StoreClient, _ format: ExportRequest.Format, of run: String = "r1"
  ) async throws -> [UInt8] {
    let request = ExportRequest(runId: run, format: format)
    return try await client.export(request).reduce(into: []) { bytes, chunk in
      // Whole lines only, so that a reader can stop anywhere.
      #expect(chunk.data.last == 0x0A)
      bytes += chunk.data
    }
  }

  @Test(arguments: [StoreFixture.Place.fileInProcess, .fileOverSocket])
  func `both formats say the same of every unit`(_ place: StoreFixture.Place) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(units: 500, by: try await fixture.replica(client))
      let facts = (0..<300).map { index -> Fact in
        switch index % 4 {
        case 0: Facts.success(index, value: Value(kind: .label("a,\"b\"")))
        case 1: Facts.success(index, value: Value(kind: .object(Array("{\n\"k\": [1]\n}".utf8))))
        case 2: Facts.success(index, value: Value(kind: .labels(Labels(names: ["x", "y"]))))
        default: Facts.success(index)
        }
      }
      _ = try await client.commit(Facts.commit("c", facts, under: lease))
      let csv = parseCSV(try await export(client, .csv))
      let lines = try await export(client, .jsonLines).split(separator: 0x0A)
        .map { try JSONValue(parsing: Array($0)) }
      #expect(csv.first == ExportRow.columns)
      #expect(csv.count == 501 && lines.count == 500)
      for (row, line) in zip(csv.dropFirst(), lines) {
        #expect(row.count == ExportRow.columns.count)
        for (column, cell) in zip(ExportRow.columns, row) {
          let shown =
            switch line[column] {
            case nil: ""
            case .string(let text)?: text
            case let value?: value.text()
            }
          #expect(shown == cell, "\(column)")
        }
      }
      let values = csv.dropFirst().prefix(4).map {
        $0[ExportRow.columns.firstIndex(of: "value") ?? 0]
      }
      #expect(Array(values) == ["a,\"b\"", #"{"k":[1]}"#, #"["x","y"]"#, "1.5"])
    }
  }

  @Test func `what cannot be exported is refused before the first byte`() async throws {
    try await StoreFixture.with { fixture in
      let client = try fixture.client()
      let unknown = await fault { _ = try await export(client, .csv, of: "nobody") }
      #expect(unknown?.reason == "UNKNOWN_RUN")
      _ = try await client.createRun(Facts.run())
      let format = await fault { _ = try await export(client, .unspecified) }
      #expect(format?.reason == "BAD_EXPORT_FORMAT")
    }
  }
}
