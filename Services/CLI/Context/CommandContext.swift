package import Compose
package import Console
package import EventLoop
package import Faults
import Machine
package import Supervisor

/// What a command has to work with.
package struct CommandContext: Sendable {
  package let invocation: Invocation
  package let terminal: Terminal
  package let place: Surroundings
  package let loop: EventLoop

  package init(
    invocation: Invocation, terminal: Terminal, place: Surroundings, loop: EventLoop
  ) {
    self.invocation = invocation
    self.terminal = terminal
    self.place = place
    self.loop = loop
  }

  package var operands: [String] { invocation.operands }

  // MARK: - The compose file

  /// Names that are looked for in this directory and those above it.
  package static let composeNames = [
    "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml",
  ]

  /// Where the compose file is: as told by `--file` or ASSAY_COMPOSE_FILE, or found.
  package func composePath() throws(Fault) -> String {
    let given = invocation.value("file") ?? place.environment["ASSAY_COMPOSE_FILE"]
    if let given, !given.isEmpty {
      return Surroundings.absolute(given, in: place.workingDirectory)
    }
    var folder = place.workingDirectory
    while true {
      let prefix = folder == "/" ? "" : folder
      if let name = Self.composeNames.first(where: { Files.facts(of: "\(prefix)/\($0)") != nil }) {
        return "\(prefix)/\(name)"
      }
      guard folder != "/" else { break }
      folder = Surroundings.folder(of: folder)
    }
    throw Fault(
      .notFound, reason: "NO_COMPOSE_FILE",
      "There is no compose.yaml in \(place.workingDirectory) or above.",
      hint: "name it with --file PATH")
  }

  /// The compose file, read and checked.
  package func composeFile() throws -> ComposeFile {
    let path = try composePath()
    let bytes: [UInt8]
    do {
      bytes = try Files.read(path, bytesMax: ComposeLimits.fileBytesMax)
    } catch {
      throw Fault(.notFound, reason: "NO_COMPOSE_FILE", "\(error)")
    }
    let folder = Surroundings.folder(of: path)
    return try ComposeReader.read(
      bytes, path: path, folderName: folder.split(separator: "/").last.map(String.init) ?? "assay",
      project: invocation.value("project"), variables: try variables(in: folder))
  }

  /// What `${…}` may name: our environment over the `.env` beside the compose file.
  private func variables(in folder: String) throws(Fault) -> [String: String] {
    let path = "\(folder)/.env"
    guard let text = try? Files.readText(path) else { return place.environment }
    switch DotEnv.parse(text) {
    case .success(let variables):
      return variables.merging(place.environment) { _, own in own }
    case .failure(let failure):
      throw Fault(
        .invalidArgument, reason: "COMPOSE_FILE", "\(path):\(failure.line): this is no NAME=value.")
    }
  }

  /// Where the mesh keeps its sockets; a compose file that is broken now does not hide a mesh
  /// that was started before, when somebody says where it runs.
  package func runDirectory() throws -> RunDirectory {
    do {
      return RunDirectory.locate(project: try composeFile().project, in: place)
    } catch  where !(place.environment["ASSAY_RUN_DIR"] ?? "").isEmpty {
      return RunDirectory.locate(project: invocation.value("project") ?? "assay", in: place)
    }
  }
}
