package import Console
package import JSON
package import MeshContract

/// One replica as a line for people, and as JSON.
package enum ReplicaLine {
  /// `ready after 83 ms`, `waiting for store, gateway`, `restarting (attempt 3; exit status 1)`.
  package static func state(of replica: Replica) -> String {
    switch replica.state {
    case .starting: return "starting"
    case .waiting:
      let names = replica.waitingFor.joined(separator: ", ")
      return names.isEmpty ? "waiting" : "waiting for \(names)"
    case .ready: return replica.readyMs.map { "ready after \($0) ms" } ?? "ready"
    case .unhealthy: return "unhealthy: \(replica.lastError)"
    case .restarting:
      let ending = ending(of: replica).map { "; \($0)" } ?? ""
      return "restarting (attempt \(replica.restarts + 1)\(ending))"
    case .stopped: return "stopped"
    case .failed: return "failed: \(replica.lastError)"
    case .unspecified, .unrecognized: return replica.state.name.lowercased()
    }
  }

  /// How the last process ended, in words.
  package static func ending(of replica: Replica) -> String? {
    switch replica.exit?.how {
    case .status(let status): "exit status \(status)"
    case .signal(let signal): "killed by signal \(signal)"
    case nil: nil
    }
  }

  package static func paint(for state: Replica.State) -> Terminal.Paint {
    switch state {
    case .ready: .green
    case .starting, .waiting: .yellow
    case .unhealthy, .failed, .restarting: .red
    case .stopped, .unspecified, .unrecognized: .dim
    }
  }

  package static func json(_ replica: Replica) -> JSONValue {
    var object: JSONObject = [
      "service": .string(replica.service), "instance": .string(replica.instance),
      "state": .string(replica.state.name.lowercased()),
      "waiting_for": .array(replica.waitingFor.map(JSONValue.string)),
      "pid": replica.pid > 0 ? .number(Int(replica.pid)) : .null,
      "restarts": .number(Int(replica.restarts)),
      "ready_ms": replica.readyMs.map { .number(Int($0)) } ?? .null,
      "rss_bytes": .number(Int(replica.rssBytes)), "socket": .string(replica.socket),
      "log": .string(replica.logPath),
    ]
    if !replica.lastError.isEmpty { object["error"] = .string(replica.lastError) }
    switch replica.exit?.how {
    case .status(let status): object["exit_status"] = .number(Int(status))
    case .signal(let signal): object["exit_signal"] = .number(Int(signal))
    case nil: break
    }
    return .object(object)
  }
}
