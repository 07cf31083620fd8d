import Glibc

/// Python's protobuf as an independent reader: commands are collected, then answered in one run
/// of Tests/Support/python/messages.py.
package struct PythonMessages: Sendable {
  /// What messages.py can be asked.
  package enum Command: Character, Sendable {
    /// A descriptor set: the types from here on.
    case types = "D"
    /// A type's full name: the type from here on.
    case type = "T"
    /// Eight bytes of seed: gives a random message.
    case generate = "G"
    /// A message: gives it back as Python writes it, without unknown fields.
    case rewrite = "R"
    /// A message: gives its JSON.
    case json = "J"
    /// JSON: gives the message.
    case fromJSON = "K"
  }

  private var input: [UInt8] = []
  private var count = 0

  package init(descriptorSet: [UInt8], type: String) {
    ask(.types, descriptorSet)
    ask(.type, Array(type.utf8))
  }

  package mutating func ask(_ command: Command, _ payload: [UInt8]) {
    input += Array(String(command.rawValue).utf8)
    for shift in [0, 8, 16, 24] { input.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
    input += payload
    count += 1
  }

  /// The answers to everything asked since init, in order; nil where Python refused.
  package func answers() throws(PythonFailure) -> [[UInt8]?] {
    let script = "\(Self.top)/Tests/Support/python/messages.py"
    let output = try Self.run([try Self.interpreter(), script], input: input)
    var rest = output[...]
    var answers: [[UInt8]?] = []
    while rest.count >= 5 {
      let isGood = rest.removeFirst() == 1
      let size = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      answers.append(isGood ? Array(rest.prefix(size)) : nil)
      rest = rest.dropFirst(size)
    }
    guard answers.count == count, answers[0] != nil else {
      throw PythonFailure(message: "messages.py gave \(answers.count) answers of \(count)")
    }
    return Array(answers.dropFirst(2))
  }
}

/// Python could not be run, or ended early.
package struct PythonFailure: Error, CustomStringConvertible {
  let message: String

  package var description: String { message }
}

extension PythonMessages {
  /// The repository's top folder.
  private static let top: String = {
    var parts = #filePath.split(separator: "/")
    parts.removeLast(4)
    return "/" + parts.joined(separator: "/")
  }()

  /// The interpreter of the virtual environment, made when it is missing.
  private static func interpreter() throws(PythonFailure) -> String {
    let output = try run(["\(top)/scripts/python-venv"], input: [])
    let path = String(decoding: output, as: UTF8.self).split(separator: "\n").last
    guard let path else { throw PythonFailure(message: "scripts/python-venv names no Python") }
    return String(path)
  }

  /// Runs a program to its end and gives what it wrote. Both ends are files without a name, so
  /// that nobody waits for anybody.
  private static func run(
    _ arguments: [String], input: [UInt8]
  ) throws(PythonFailure) -> [UInt8] {
    let failure = PythonFailure(message: "\(arguments[0]) cannot be run")
    guard let source = unsafe tmpfile() else { throw failure }
    defer { unsafe fclose(source) }
    guard let sink = unsafe tmpfile() else { throw failure }
    defer { unsafe fclose(sink) }
    guard unsafe fwrite(input, 1, input.count, source) == input.count else { throw failure }
    unsafe rewind(source)

    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, fileno(source), STDIN_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, fileno(sink), STDOUT_FILENO)
    var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in arguments.indices { unsafe free(words[index]) } }
    var child: pid_t = 0
    let code = unsafe posix_spawn(&child, arguments[0], &actions, nil, &words, environ)
    guard code == 0 else { throw failure }
    var status: Int32 = 0
    while unsafe waitpid(child, &status, 0) == -1, errno == EINTR {}
    guard status == 0 else {
      throw PythonFailure(message: "\(arguments[0]) failed with status \(status)")
    }

    unsafe rewind(sink)
    var output: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe fread(&block, 1, block.count, sink)
      guard count > 0 else { return output }
      output += block.prefix(count)
    }
  }
}
