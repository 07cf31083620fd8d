/// What a reader of event streams holds before it gives up.
package struct SSELimits: Equatable, Sendable {
  /// Bytes of one line without its end.
  package var lineBytesMax: Int
  /// Bytes of one block, comments and line ends included.
  package var eventBytesMax: Int

  /// No stream's block is larger; sums of limits and places fit an Int.
  package static let bytesCeiling = 1 << 40

  package init(lineBytesMax: Int = 8 << 20, eventBytesMax: Int = 16 << 20) {
    self.lineBytesMax = min(lineBytesMax, Self.bytesCeiling)
    self.eventBytesMax = min(eventBytesMax, Self.bytesCeiling)
  }
}

/// Why an event stream cannot be read on or an event not be written. Never holds any of it.
package enum SSEError: Error, Equatable, Sendable {
  case lineTooLong(limit: Int)
  case eventTooLarge(limit: Int)
  /// A type or an id that would end its line, or an id with a NUL, which readers ignore.
  case unwritable
}

extension SSEError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .lineTooLong(let limit): "a line longer than \(limit) bytes (lineBytesMax)"
    case .eventTooLarge(let limit): "an event larger than \(limit) bytes (eventBytesMax)"
    case .unwritable: "a type or an id that no event can carry"
    }
  }
}
