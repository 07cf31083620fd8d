package import Faults
package import JSON
import Locking
import Machine
import Synchronization

/// The one place that speaks: data to standard output, talk to standard error.
package final class Terminal: Sendable {
  /// Where text goes: to the process's streams, or into memory for a test.
  private enum Sink: Sendable {
    case streams
    case memory
  }

  /// What was said so far to a terminal in memory.
  package struct Captured: Equatable, Sendable {
    package var output = ""
    package var error = ""
  }

  private let sink: Sink
  private let captured = Lock(Captured())
  private let closed = Atomic<Bool>(false)
  /// Whether standard error is a terminal that redraws lines.
  package let isLive: Bool
  private let paintsOutput: Bool
  private let paintsError: Bool
  /// Whether data is printed as JSON.
  package let isJSON: Bool

  /// A terminal on this process's own streams.
  package init(json: Bool, environment: [String: String]) {
    sink = .streams
    let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? (environment["TERM"] == "dumb")
    isLive = StandardStream.error.isTerminal && environment["TERM"] != "dumb"
    paintsOutput = !isPlain && !json && StandardStream.output.isTerminal
    paintsError = !isPlain && StandardStream.error.isTerminal
    isJSON = json
  }

  /// A terminal that keeps what is said, for tests.
  package init(capturing json: Bool, isLive: Bool = false, isPainted: Bool = false) {
    sink = .memory
    self.isLive = isLive
    paintsOutput = isPainted
    paintsError = isPainted
    isJSON = json
  }

  package var text: Captured { captured.withLock { $0 } }

  /// Columns to stay within on standard error.
  package var columns: Int { StandardStream.error.columns ?? 100 }

  /// Whether nobody reads standard output any more (`| head`): what goes on for ever ends then.
  package var isClosed: Bool { closed.load(ordering: .relaxed) }

  // MARK: - Saying

  /// Prints data as it is.
  package func output(_ text: String) {
    switch sink {
    case .streams:
      if !StandardStream.output.write(text) { closed.store(true, ordering: .relaxed) }
    case .memory: captured.withLock { $0.output += text }
    }
  }

  /// Says something as it is.
  package func talk(raw text: String) {
    switch sink {
    case .streams: _ = StandardStream.error.write(text)
    case .memory: captured.withLock { $0.error += text }
    }
  }

  /// Prints a line of data.
  package func line(_ text: String) { output(text + "\n") }

  /// Prints a line of data as JSON.
  package func line(_ value: JSONValue) { output(value.text() + "\n") }

  /// Says a line to the person in front of it.
  package func talk(_ text: String) { talk(raw: text + "\n") }

  // MARK: - Colours

  package enum Paint: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
  }

  /// The text in a colour where standard output shows colours.
  package func painted(_ text: String, _ paint: Paint) -> String {
    paintsOutput ? Self.paint(text, paint) : text
  }

  /// The text in a colour where standard error shows colours.
  package func paintedTalk(_ text: String, _ paint: Paint) -> String {
    paintsError ? Self.paint(text, paint) : text
  }

  private static func paint(_ text: String, _ paint: Paint) -> String {
    "\u{1B}[\(paint.rawValue)m\(text)\u{1B}[0m"
  }

  // MARK: - Errors

  /// `error[REASON]: what happened` and `hint: what to do next`.
  package func report(_ fault: Fault) {
    talk(paintedTalk("error[\(fault.reason)]", .red) + ": \(Self.harmless(fault.message))")
    for violation in fault.violations where !fault.message.contains(violation.description) {
      talk("  \(Self.harmless(violation.field)): \(Self.harmless(violation.description))")
    }
    if let hint = fault.hint { talk(paintedTalk("hint", .cyan) + ": \(Self.harmless(hint))") }
  }

  /// The text without control characters: what a peer or a log says must not steer a terminal.
  package static func harmless(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
    return String(result)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value != 0x09 && scalar.properties.generalCategory == .control
  }
}
