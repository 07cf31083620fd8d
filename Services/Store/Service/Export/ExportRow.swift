import JSON
import ScoreContract
import StoreContract

/// A unit with its verdict, as one row: the columns stand in this order, documented with
/// `ExportRequest`, and a new one only ever comes behind the last.
struct ExportRow {
  /// One field, before any format.
  enum Field {
    case absent
    case text(String)
    case int(Int64)
    case number(Double)
    case truth(Bool)
    case texts([String])
    /// JSON that was checked when it was kept.
    case json([UInt8])
  }

  static let columns = [
    "unit_id", "ordinal", "stage", "group", "subject_kind", "subject_id", "content_hash",
    "rubric_hash", "unit_key", "state", "skip_reason", "failure_reason", "failure_detail",
    "failure_is_retryable", "tries", "verdict_id", "verdict_run_id", "model", "value_kind",
    "value", "scale_least", "scale_most", "scale_step", "confidence", "confidence_kind",
    "reasoning", "flags", "call_keys", "supersedes", "detail", "committed_at_us",
  ]

  let fields: [Field]

  init(_ unit: Unit, _ verdict: Verdict?) {
    fields = Self.fields(of: unit) + Self.fields(of: verdict)
  }

  private static func fields(of unit: Unit) -> [Field] {
    let failure = unit.failure
    return [
      .text(unit.id), .int(unit.ordinal), .int(Int64(unit.stage)), .some(unit.group),
      .some(unit.subject?.kind), .some(unit.subject?.id), .some(unit.subject?.contentHash),
      .some(unit.rubricHash), .some(unit.unitKey), .text(unit.state.name),
      unit.skipReason == .unspecified ? .absent : .text(unit.skipReason.name),
      .some(failure?.reason.name), .some(failure?.detail),
      failure.map { .truth($0.isRetryable) } ?? .absent, .int(Int64(unit.tries)),
    ]
  }

  private static func fields(of verdict: Verdict?) -> [Field] {
    guard let verdict else { return [Field](repeating: .absent, count: 16) }
    let (kind, value) = field(of: verdict.value)
    let scale = verdict.value?.scale
    return [
      .some(verdict.id), .some(verdict.runId), .some(verdict.model), .some(kind), value,
      .some(scale?.least), .some(scale?.most), .some(scale?.step),
      .some(verdict.confidence?.probability), .some(verdict.confidence?.kind.name),
      .some(verdict.reasoning), .texts(verdict.flags), .texts(verdict.callKeys),
      .some(verdict.supersedes), verdict.detail.isEmpty ? .absent : .json(verdict.detail),
      .int(verdict.committedAtUs),
    ]
  }

  private static func field(of value: Value?) -> (kind: String?, Field) {
    switch value?.kind {
    case nil: (nil, .absent)
    case .number(let number): ("number", .number(number))
    case .truth(let truth): ("truth", .text(truth.name))
    case .label(let label): ("label", .text(label))
    case .labels(let labels): ("labels", .texts(labels.names))
    case .text(let text): ("text", .text(text))
    case .object(let object): ("object", .json(object))
    }
  }
}

extension ExportRow.Field {
  /// An empty text is as good as none.
  fileprivate static func some(_ text: String?) -> ExportRow.Field {
    guard let text, !text.isEmpty else { return .absent }
    return .text(text)
  }

  fileprivate static func some(_ number: Double?) -> ExportRow.Field {
    number.map { .number($0) } ?? .absent
  }
}
