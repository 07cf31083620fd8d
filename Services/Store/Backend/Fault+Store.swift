package import Faults
package import ScoreContract

/// What both backends say when they refuse, so that they say the same.
extension Fault {
  package static func unknownRun(_ id: String) -> Fault {
    Fault(.notFound, reason: "UNKNOWN_RUN", "No run is called '\(id)'.", facts: ["run": id])
  }

  package static func unknownUnit(_ id: String) -> Fault {
    Fault(.notFound, reason: "UNKNOWN_UNIT", "The run has no unit '\(id)'.", facts: ["unit": id])
  }

  package static func unknownVerdict(_ id: String) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_VERDICT", "No verdict is called '\(id)'.",
      facts: ["verdict": id])
  }

  package static func unknownRubric(_ hash: String) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_RUBRIC", "No rubric has the hash '\(hash)'.",
      facts: ["rubric": hash])
  }

  package static func runExists(_ id: String) -> Fault {
    Fault(
      .alreadyExists, reason: "RUN_EXISTS", "Run '\(id)' was made from another spec.",
      hint: "Choose a new run id.", facts: ["run": id])
  }

  package static func idempotencyKeyReused(by runID: String) -> Fault {
    Fault(
      .alreadyExists, reason: "IDEMPOTENCY_KEY_REUSED",
      "This idempotency key made run '\(runID)' from another spec.",
      hint: "Use a new key for a new request.", facts: ["run": runID])
  }

  package static func commitIDReused(_ id: String) -> Fault {
    Fault(
      .alreadyExists, reason: "COMMIT_ID_REUSED",
      "Commit '\(id)' was made before with other facts.", facts: ["commit": id])
  }

  package static func leaseLost(_ name: String) -> Fault {
    Fault(
      .aborted, reason: "LEASE_LOST", "The lease '\(name)' is held under another token, or ended.",
      hint: "Stop working on what it owns.", facts: ["lease": name])
  }

  package static func leaseRequired(run: String) -> Fault {
    Fault(
      .failedPrecondition, reason: "LEASE_REQUIRED", "A commit names the lease it is made under.",
      hint: "Acquire the lease of run '\(run)'.", facts: ["run": run])
  }

  package static func runEnded(_ state: RunState) -> Fault {
    Fault(
      .failedPrecondition, reason: "RUN_ENDED",
      "The run ended as \(state.name) and takes no more facts.",
      hint: "Request RESUME of it first.", facts: ["state": state.name])
  }

  package static func runState(_ message: String, _ state: RunState) -> Fault {
    Fault(
      .failedPrecondition, reason: "RUN_STATE", message, facts: ["state": state.name])
  }

  package static func rubricDiffers(_ hash: String) -> Fault {
    Fault(
      .alreadyExists, reason: "RUBRIC_DIFFERS",
      "Another rubric has the hash '\(hash)'; rubrics are never changed.",
      facts: ["rubric": hash])
  }

  package static func labelDiffers(_ id: String) -> Fault {
    Fault(
      .alreadyExists, reason: "LABEL_DIFFERS",
      "Another label is called '\(id)'; labels are never changed.", facts: ["label": id])
  }

  package static func badCursor(_ seq: Int64, last: Int64) -> Fault {
    Fault(
      .outOfRange, reason: "BAD_CURSOR", "The log ends at \(last); nothing can follow \(seq).",
      facts: ["last_seq": String(last)])
  }

  package static let badPageToken = Fault(
    .invalidArgument, reason: "BAD_CURSOR", "This is not where a page of this question ended.",
    hint: "Ask again without `after`.")

  package static func answerTooLarge(_ what: String) -> Fault {
    Fault(
      .resourceExhausted, reason: "ANSWER_TOO_LARGE", "The answer is too long for one message.",
      hint: "Ask for fewer \(what).", facts: ["limit": "StoreLimits.answerBytesMax"])
  }
}
