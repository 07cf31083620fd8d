/// Takes spans that have ended; an exporter implements it. It must not wait: a sink that cannot
/// keep up drops.
package protocol SpanSink: Sendable {
  func spanEnded(_ span: SpanRecord)
}

/// One finished piece of work.
package struct SpanRecord: Equatable, Sendable {
  /// Which side of a call it is.
  package enum Kind: Equatable, Sendable { case `internal`, server, client }

  package var name: String
  package var kind: Kind
  package var context: TraceContext
  package var parent: SpanID?
  package var start: WallTime
  package var duration: Duration
  package var hasFailed: Bool
  /// The same allow-list and the same plain values as in a log record.
  package var fields: LogFields

  package init(
    name: String, kind: Kind, context: TraceContext, parent: SpanID?, start: WallTime,
    duration: Duration, hasFailed: Bool, fields: LogFields = [:]
  ) {
    self.name = name
    self.kind = kind
    self.context = context
    self.parent = parent
    self.start = start
    self.duration = duration
    self.hasFailed = hasFailed
    self.fields = fields
  }
}
