package import Faults
package import Machine

/// Where one running mesh keeps its sockets, logs and records: all of it goes with `assay down`.
package struct RunDirectory: Equatable, Sendable {
  package let path: String
  /// Where volumes with data stay when the mesh is down.
  package let dataPath: String

  package init(path: String, dataPath: String) {
    self.path = path
    self.dataPath = dataPath
  }

  /// `$ASSAY_RUN_DIR`, `$XDG_RUNTIME_DIR/assay/<project>` or `/tmp/assay-<uid>/<project>`.
  package static func locate(project: String, in place: Surroundings) -> RunDirectory {
    let environment = place.environment
    func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let own = set("ASSAY_RUN_DIR") {
      let path = Surroundings.absolute(own, in: place.workingDirectory)
      return RunDirectory(path: path, dataPath: data(set("ASSAY_DATA_DIR")) ?? "\(path)/data")
    }
    func data(_ chosen: String?) -> String? {
      chosen.map { Surroundings.absolute($0, in: place.workingDirectory) }
    }
    let top = set("XDG_RUNTIME_DIR").map { "\($0)/assay" } ?? "/tmp/assay-\(place.user)"
    let state =
      set("XDG_STATE_HOME") ?? set("HOME").map { "\($0)/.local/state" } ?? "\(top)/data"
    return RunDirectory(
      path: "\(top)/\(project)",
      dataPath: data(set("ASSAY_DATA_DIR")) ?? "\(state)/assay/\(project)")
  }

  /// Held by the supervisor as long as it lives.
  package var lockPath: String { "\(path)/lock" }
  package var controlSocket: String { "\(path)/supervisor.sock" }
  /// The processes that run, for the next `up` or `down` when the supervisor did not end well.
  package var processRecord: String { "\(path)/processes" }
  package var logs: String { "\(path)/logs" }
  /// What the supervisor itself says when nobody looks.
  package var supervisorLog: String { "\(logs)/supervisor.log" }

  package func log(of instance: String) -> String { "\(logs)/\(instance).log" }
  package func temporary(of instance: String) -> String { "\(path)/tmp/\(instance)" }
  package func volume(_ name: String) -> String { "\(path)/v/\(name)" }
  package func data(_ name: String) -> String { "\(dataPath)/\(name)" }

  /// What this directory may hold of ours; anything else in it is somebody else's and stays.
  private static let owned = ["supervisor.sock", "processes", "logs", "v", "tmp", "lock"]

  /// Makes the directory, or finds that it is this user's alone.
  package func prepare(user: UInt32) throws(Fault) {
    do {
      try Files.makeDirectories(Surroundings.folder(of: path))
      try Files.makeDirectory(path)
    } catch {
      throw Fault(
        .failedPrecondition, reason: "RUN_DIRECTORY", "\(error)",
        hint: "set ASSAY_RUN_DIR to a directory of your own with a short path")
    }
    for folder in [Surroundings.folder(of: path), path] {
      try check(folder, user: user, isOwn: folder == path || folder.hasSuffix("/assay-\(user)"))
    }
    let strange = Files.entries(of: path).filter { !Self.isOurs($0) }
    guard strange.isEmpty || Files.facts(of: lockPath) != nil else {
      throw Fault(
        .failedPrecondition, reason: "RUN_DIRECTORY",
        "\(path) holds \(strange[0]), which is not of a mesh.",
        hint: "set ASSAY_RUN_DIR to a directory that is empty or not there yet")
    }
    do {
      for folder in [logs, "\(path)/v", "\(path)/tmp"] { try Files.makeDirectory(folder) }
    } catch {
      throw Fault(.failedPrecondition, reason: "RUN_DIRECTORY", "\(error)")
    }
  }

  private static func isOurs(_ name: String) -> Bool { owned.contains(name) || name == "data" }

  /// Takes the directory for this process alone, as long as the file is kept; nil when another
  /// process has it.
  package func hold() throws(Fault) -> OpenFile? {
    do {
      while true {
        let file = try OpenFile(lockPath, for: .lock)
        guard try file.lock() else { return nil }
        // Whoever had it before us may have removed it in between: then it locks nothing.
        if file.isAtItsPath { return file }
      }
    } catch {
      throw Fault(.failedPrecondition, reason: "RUN_DIRECTORY", "\(error)")
    }
  }

  private func check(_ folder: String, user: UInt32, isOwn: Bool) throws(Fault) {
    guard isOwn else { return }
    guard let facts = Files.facts(of: folder), facts.kind == .directory, facts.owner == user else {
      throw Fault(
        .permissionDenied, reason: "RUN_DIRECTORY", "\(folder) belongs to somebody else.",
        hint: "set ASSAY_RUN_DIR to a directory of your own")
    }
    guard facts.mode & 0o077 == 0 else {
      throw Fault(
        .permissionDenied, reason: "RUN_DIRECTORY",
        "\(folder) is open to others (mode \(String(facts.mode, radix: 8))).",
        hint: "chmod 700 \(folder)")
    }
  }

  /// Removes what is ours, and the directory when nothing else is in it.
  ///
  /// The lock goes last, so that who holds it is alone until the end. Directories of volumes
  /// with data go only when they are empty, or when `includingData` says so.
  package func clear(includingData: Bool = false) throws(MachineError) {
    for name in Self.owned { try Files.removeTree("\(path)/\(name)") }
    for volume in Files.entries(of: dataPath) {
      if includingData {
        try Files.removeTree("\(dataPath)/\(volume)")
      } else {
        try? Files.remove("\(dataPath)/\(volume)")
      }
    }
    // Directories that hold something stay: these are not removed by force.
    for folder in [dataPath, path] {
      try? Files.remove(folder)
      let above = Surroundings.folder(of: folder)
      let name = above.split(separator: "/").last ?? ""
      if name == "assay" || name == "assay-\(Processes.ownUser)" { try? Files.remove(above) }
    }
  }
}
