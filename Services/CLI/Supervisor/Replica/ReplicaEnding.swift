/// How a replica's process came to its end.
package enum ReplicaEnding: Equatable, Sendable {
  case exited(status: Int32)
  case killed(signal: Int32)
  /// There was never a process.
  case notStarted(reason: String)

  package var isFailure: Bool { self != .exited(status: 0) }
}

extension ReplicaEnding: CustomStringConvertible {
  package var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .killed(let signal):
      "killed by signal \(signal)" + (Self.names[signal].map { " (\($0))" } ?? "")
    case .notStarted(let reason): reason
    }
  }

  /// The signals that end processes in practice.
  private static let names: [Int32: String] = [
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS",
    8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
    24: "SIGXCPU", 31: "SIGSYS",
  ]
}
