import Compose
import Machine
import Testing

/// The compose file of this repository, as `assay up` reads it.
@Suite struct RepositoryFileTests {
  private func file() throws -> ComposeFile {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let path = root.joined(separator: "/") + "/compose.yaml"
    return try ComposeReader.read(try Files.read(path), path: path, variables: [:])
  }

  @Test func `it is read without a problem, and names the six services`() throws {
    let file = try file()
    #expect(
      Set(file.services.map(\.name))
        == ["store", "gateway", "ingest", "orchestrator", "edge", "simulator"])
    #expect(file.startOrder.last?.name == "edge")
    #expect(file.services.allSatisfy { $0.restart == .always })
  }

  @Test func `sockets are scratch, and what store and gateway keep stays`() throws {
    let file = try file()
    for volume in file.volumes {
      #expect(volume.isTemporary == volume.name.hasSuffix("-sockets"), "\(volume.name)")
    }
    for service in file.services {
      let own = service.mounts.first { $0.target == "/run/assay/\(service.name)" }
      #expect(own?.isReadOnly == false)
    }
  }

  @Test func `nothing of it is without a reason`() throws {
    #expect(try file().remarks.allSatisfy { !$0.reason.isEmpty && $0.line > 0 })
  }
}
