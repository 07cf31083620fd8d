package import Console
package import Faults
import Machine
package import MeshContract

/// Why a replica does not come up, with the last it said and what to do.
package enum FailureText {
  /// Lines of its log that are shown.
  package static let linesMax = 5
  private static let lineCharactersMax = 300
  private static let tailBytes = 16 << 10

  /// The cause as an error, to be printed after the lines.
  package static func fault(of replica: Replica, lastLines: [String]) -> Fault {
    let cause = replica.lastError.isEmpty ? "it failed" : replica.lastError
    return Fault(
      .unavailable, reason: "START_FAILED", "\(replica.instance) does not come up: \(cause).",
      hint: hint(for: replica, lastLines: lastLines), facts: ["instance": replica.instance])
  }

  /// The service's own hint where it gave one, else what usually helps.
  private static func hint(for replica: Replica, lastLines: [String]) -> String {
    if let own = lastLines.last(where: { $0.hasPrefix("hint: ") }) {
      return String(own.dropFirst("hint: ".count))
    }
    if let name = replica.waitingFor.first {
      return "look at whom it waits for: assay logs \(name)"
    }
    switch replica.exit?.how {
    case .status(126), .status(127): return "its program cannot be run: assay doctor"
    case .signal(9): return "something killed it; short of memory? assay doctor"
    default: return "assay logs \(replica.service) shows more"
    }
  }

  /// The last lines of a replica's log, each cut to a bearable length.
  package static func lastLines(of replica: Replica) -> [String] {
    guard let bytes = try? Files.readEnd(of: replica.logPath, count: tailBytes) else { return [] }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return lines.suffix(linesMax).map { Terminal.harmless(String($0.prefix(lineCharactersMax))) }
  }

  /// Prints lines and error.
  package static func show(_ replica: Replica, _ terminal: Terminal) {
    let lines = lastLines(of: replica)
    for line in lines {
      terminal.talk(terminal.paintedTalk("  \(replica.instance) | ", .dim) + line)
    }
    terminal.report(fault(of: replica, lastLines: lines))
  }
}
