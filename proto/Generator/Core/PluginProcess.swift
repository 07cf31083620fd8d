import Glibc

/// Another protoc plugin, run with a request on its standard input.
package enum PluginProcess {
  /// Runs `program` from the PATH and gives back what it wrote.
  package static func run(_ program: String, _ request: [UInt8]) throws -> [UInt8] {
    let input = try scratchFile(holding: request)
    defer { close(input) }
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw GenerationError("no pipe for \(program)") }
    defer { close(ends[0]) }

    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    unsafe posix_spawn_file_actions_addclose(&actions, ends[0])

    var child: pid_t = 0
    let code = unsafe program.withCString { name in
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup(name), nil]
      defer { unsafe free(arguments[0]) }
      return unsafe posix_spawnp(&child, name, &actions, nil, &arguments, environ)
    }
    close(ends[1])
    guard code == 0 else { throw GenerationError("\(program) does not start: error \(code)") }

    let output = readAll(ends[0])
    var status: Int32 = 0
    while unsafe waitpid(child, &status, 0) == -1, errno == EINTR {}
    guard status == 0 else { throw GenerationError("\(program) failed with status \(status)") }
    return output
  }

  /// Everything until the end of the descriptor.
  package static func readAll(_ descriptor: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe read(descriptor, &block, block.count)
      if count > 0 {
        all += block.prefix(count)
      } else if count == 0 || errno != EINTR {
        return all
      }
    }
  }

  /// Writes everything; false when the descriptor takes no more.
  package static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe write(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  /// A file without a name, so that a large request and a large answer cannot wait for each other.
  private static func scratchFile(holding bytes: [UInt8]) throws -> Int32 {
    guard let file = unsafe tmpfile() else { throw GenerationError("no scratch file") }
    defer { unsafe fclose(file) }
    let descriptor = unsafe dup(fileno(file))
    guard descriptor >= 0, writeAll(descriptor, bytes), lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw GenerationError("the scratch file takes no bytes")
    }
    return descriptor
  }
}
