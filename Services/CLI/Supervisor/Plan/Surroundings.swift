import Machine

/// What a plan needs to know of the place it is made in; a value, so that tests make their own.
package struct Surroundings: Sendable {
  /// The variables `assay` was started with.
  package var environment: [String: String]
  package var user: UInt32
  /// Where the `assay` executable lies; its neighbours are found first.
  package var executableFolder: String
  /// The directory `assay` was started in.
  package var workingDirectory: String
  package var isExecutable: @Sendable (String) -> Bool

  package init(
    environment: [String: String], user: UInt32, executableFolder: String,
    workingDirectory: String, isExecutable: @escaping @Sendable (String) -> Bool
  ) {
    self.environment = environment
    self.user = user
    self.executableFolder = executableFolder
    self.workingDirectory = workingDirectory
    self.isExecutable = isExecutable
  }

  /// Of this process.
  package static var current: Surroundings {
    Surroundings(
      environment: EnvironmentVariables.current, user: Processes.ownUser,
      executableFolder: Processes.ownExecutable.map(folder) ?? "/",
      workingDirectory: Files.resolved(".") ?? "/", isExecutable: Files.isExecutable)
  }

  /// The path with everything behind its last slash cut off.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// An absolute path as it is, any other below `folder`; dots are resolved in the text.
  package static func absolute(_ path: String, in folder: String) -> String {
    let full = path.hasPrefix("/") ? path : "\(folder)/\(path)"
    var parts: [Substring] = []
    for part in full.split(separator: "/") where part != "." {
      if part == ".." {
        _ = parts.popLast()
      } else {
        parts.append(part)
      }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Where a program lies: beside `assay`, or in one of the directories of PATH.
  package func find(_ program: String) -> String? {
    if program.contains("/") {
      let path = Self.absolute(program, in: workingDirectory)
      return isExecutable(path) ? path : nil
    }
    guard !program.isEmpty else { return nil }
    let folders = [executableFolder] + searchPath
    return folders.lazy.map { "\($0)/\(program)" }.first(where: isExecutable)
  }

  /// The directories of PATH; relative ones are left out, as they mean another place each time.
  private var searchPath: [String] {
    (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(String.init)
      .filter { $0.hasPrefix("/") }
  }
}
