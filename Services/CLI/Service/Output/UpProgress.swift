import Faults
package import JSON
package import MeshContract

/// What `assay up` says while replicas come and go: a value that turns snapshots into text.
///
/// Live, it is a block of one line for each replica that is drawn anew until all are ready or
/// have failed; from then on, and elsewhere from the start, each change is a line of its own.
package struct UpProgress: Sendable {
  /// Something to show.
  package enum Output: Equatable, Sendable {
    /// Lines that replace those of the last block.
    case block([String], replacing: Int)
    case line(String)
    /// A replica does not come up.
    case failure(Replica)
    case json(JSONValue)
  }

  private let mode: Mode
  private var shown: [String: Replica] = [:]
  private var since: [String: (text: String, at: Duration)] = [:]
  private var told: Set<String> = []
  private var blockLineCount = 0
  private var isBlockOver = false

  package enum Mode: Sendable { case live, plain, json }

  package init(_ mode: Mode) {
    self.mode = mode
  }

  /// Whether nothing more is to be waited for: each replica is ready or does not come up.
  package static func isSettled(_ replicas: [Replica]) -> Bool {
    replicas.allSatisfy { $0.state == .ready || isFailing($0) || $0.state == .stopped }
  }

  /// A block that does not fit on the screen cannot be drawn anew.
  package static let blockLinesMax = 20

  /// Whether a replica does not come up.
  package static func isFailing(_ replica: Replica) -> Bool {
    replica.state == .failed || (!replica.lastError.isEmpty && replica.state != .unhealthy)
  }

  /// Whether the passing of time alone changes what is shown.
  package var isTicking: Bool { mode == .live && !isBlockOver }

  /// Takes the replicas as they are at a time since the start.
  package mutating func update(_ replicas: [Replica], at time: Duration) -> [Output] {
    for replica in replicas {
      let text = ReplicaLine.state(of: replica)
      if since[replica.instance]?.text != text { since[replica.instance] = (text, time) }
    }
    var outputs: [Output] = []
    if replicas.count > Self.blockLinesMax { isBlockOver = true }
    if isTicking {
      let lines = block(replicas, at: time)
      outputs.append(.block(lines, replacing: blockLineCount))
      blockLineCount = lines.count
      isBlockOver = !replicas.isEmpty && Self.isSettled(replicas)
    } else {
      outputs += changes(to: replicas)
    }
    for replica in replicas { shown[replica.instance] = replica }
    for replica in replicas where mode != .json {
      if !Self.isFailing(replica) {
        told.remove(replica.instance)
      } else if !isTicking, told.insert(replica.instance).inserted {
        outputs.append(.failure(replica))
      }
    }
    return outputs
  }

  private func block(_ replicas: [Replica], at time: Duration) -> [String] {
    let width = replicas.map(\.instance.count).max() ?? 0
    return replicas.map { replica in
      let blanks = String(repeating: " ", count: width - replica.instance.count)
      var line = "\(replica.instance)\(blanks)  \(ReplicaLine.state(of: replica))"
      if replica.state != .ready, let since = since[replica.instance]?.at {
        line += " (\(Self.seconds(time - since)))"
      }
      return line
    }
  }

  private func changes(to replicas: [Replica]) -> [Output] {
    var outputs: [Output] = []
    for replica in replicas {
      let before = shown[replica.instance]
      guard
        before?.state != replica.state || before?.waitingFor != replica.waitingFor
          || before?.pid != replica.pid || before?.readyMs != replica.readyMs
      else { continue }
      if mode == .json {
        outputs.append(.json(ReplicaLine.json(replica)))
      } else if ReplicaLine.state(of: replica) != before.map(ReplicaLine.state) {
        outputs.append(.line("\(replica.instance)  \(ReplicaLine.state(of: replica))"))
      }
    }
    let names = Set(replicas.map(\.instance))
    for gone in shown.keys.sorted() where !names.contains(gone) && shown[gone]?.state != .stopped {
      outputs.append(
        mode == .json
          ? .json(["instance": .string(gone), "state": "gone"]) : .line("\(gone)  gone"))
    }
    return outputs
  }

  /// `0.4 s`.
  static func seconds(_ duration: Duration) -> String {
    let tenths = Int(duration / .milliseconds(100))
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
