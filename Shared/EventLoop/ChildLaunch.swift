/// What to start and how: a value, filled in by name.
package struct ChildLaunch {
  package enum Input {
    case inherit
    case null
    case descriptor(Int32)
  }

  /// Where standard output or error goes; closures are called on the loop's thread.
  package enum Output {
    case inherit
    case null
    case descriptor(Int32)
    /// Without the newline; a line over `lineBytesMax` comes in pieces of that size; bytes that
    /// are not UTF-8 become U+FFFD.
    case lines((String) -> Void)
    /// The bytes die on return.
    case bytes((RawSpan) -> Void)
  }

  package static let lineBytesMax = 64 << 10
  package static let argumentsMax = 4096
  package static let descriptorsMax = 64

  /// A path, or a name to find in the child's `PATH`.
  package var executable: String
  /// Without the name itself.
  package var arguments: [String]
  /// Nil inherits ours.
  package var environment: [String: String]?
  package var workingDirectory: String?
  package var input = Input.null
  package var output = Output.inherit
  package var errorOutput = Output.inherit
  /// Ours, which become 3, 4 and on in the child (`LISTEN_FDS`).
  package var descriptors: [Int32] = []
  package var uid: UInt32?
  package var gid: UInt32?
  /// A session and process group of its own: a terminal's ^C does not reach it.
  package var leadsSession = false

  package init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
    workingDirectory: String? = nil
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
  }

  /// What C would silently cut or the kernel could not take is refused.
  func check() throws(EventLoopError) {
    guard !executable.isEmpty else {
      throw EventLoopError(.argumentInvalid, "No executable to start")
    }
    guard arguments.count <= Self.argumentsMax, descriptors.count <= Self.descriptorsMax else {
      throw EventLoopError(.argumentInvalid, "Too many arguments for \(executable)")
    }
    var strings = [executable, workingDirectory ?? "."] + arguments
    for (name, value) in environment ?? [:] {
      guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
        throw EventLoopError(.argumentInvalid, "An environment name with = for \(executable)")
      }
      strings += [name, value]
    }
    guard strings.allSatisfy({ !$0.utf8.contains(0) }) else {
      throw EventLoopError(.argumentInvalid, "A NUL in what \(executable) would be given")
    }
  }
}
