/// Bounds on what one peer may make a session hold or do.
package struct HTTP2Limits: Sendable {
  /// Streams a client may have open on one connection.
  package var streamsMax = 1024
  /// Bytes a peer may send on a stream before its reader took any.
  package var streamWindowBytes = 256 << 10
  /// Bytes a peer may have in flight on the whole connection.
  package var connectionWindowBytes = 4 << 20
  /// Names, values and 32 bytes a field, as RFC 9113 counts them.
  package var headerListBytesMax = 16 << 10
  package var headerFieldsMax = 100
  /// PING and SETTINGS answers that may wait unsent before the peer is cut off.
  package var outboundAnswersMax = 1000
  /// CONTINUATION frames of one header block.
  package var continuationsMax = 8
  package var settingsEntriesMax = 32
  /// Streams a peer may have ended by RST_STREAM, or by an error of its own, at once and then
  /// steadily (Rapid Reset, MadeYouReset).
  package var resetsBurst = 1000
  package var resetsPerSecond = 200

  package init() {}
}
