package import GRPCFormat

/// What a handler may know of its call, and say beside its messages.
///
/// Safe from any thread; it stays valid after the call ended, when it does nothing more.
package struct ServerContext: Sendable {
  let stream: ServerStream

  package var method: MethodDescriptor { stream.method }
  /// Custom metadata of the request.
  package var metadata: Metadata { stream.metadata }
  package var peer: PeerIdentity { stream.peer }
  /// On the clock of `EventLoop.nowNanoseconds`; nil when the caller set none.
  package var deadlineNanoseconds: UInt64? { stream.deadlineNanoseconds }

  /// Adds to the metadata before the first message; nothing once that is sent.
  package func addInitial(_ metadata: Metadata) { stream.addInitial(metadata) }

  /// The same for entries that came in.
  package func addInitial(_ entries: [Metadata.Entry]) { stream.addInitial(Metadata(entries)) }

  /// Adds to the metadata that comes with the status.
  package func addTrailing(_ metadata: Metadata) { stream.addTrailing(metadata) }

  /// The same for entries that came in.
  package func addTrailing(_ entries: [Metadata.Entry]) { stream.addTrailing(Metadata(entries)) }

  /// Sends the initial metadata now instead of with the first message.
  package func sendInitialMetadata() { stream.sendHeadersNow() }

  /// Compresses the messages from here on, when the caller takes gzip; must be said before the
  /// first message, and may be switched off and on again between messages.
  package func compressResponses(_ isOn: Bool = true) { stream.compressResponses(isOn) }

  /// Whether the request message that was read last came compressed.
  package var wasLastRequestCompressed: Bool { stream.call.wasLastRequestCompressed }
}

/// The deadline of the call that runs in this task; outgoing calls never wait longer.
package enum CallDeadline {
  @TaskLocal package static var nanoseconds: UInt64?
}
