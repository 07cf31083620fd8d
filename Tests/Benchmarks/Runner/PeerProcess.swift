import Glibc
import JSON
import Machine

/// A process that the benchmark starts and waits for; ends with this object at the latest.
final class PeerProcess {
  let pid: pid_t
  private let output: Int32
  private var unread: [UInt8] = []
  private var status: Int32?

  /// How long a process may take to say something, and then to end.
  private static let patienceSeconds = 600.0
  private static let stopSeconds = 5.0

  /// Starts `path` with its standard output read here; the rest is inherited, but for the standard
  /// error of one that is told to be quiet.
  init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:],
    isQuiet: Bool = false
  ) throws {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw BenchError("no pipe, errno \(errno)") }
    defer { close(ends[1]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    output = ends[0]
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    if isQuiet {
      unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    }
    let all = EnvironmentVariables.current.merging(environment) { _, ours in ours }
    var started: pid_t = 0
    var texts = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    var variables = unsafe all.map { unsafe strdup("\($0)=\($1)") } + [nil]
    let code = unsafe posix_spawn(&started, path, &actions, nil, &texts, &variables)
    unsafe (texts + variables).forEach { unsafe free($0) }
    pid = started
    guard code == 0 else {
      close(output)
      status = code
      throw BenchError("\(path) does not start, errno \(code)")
    }
  }

  deinit { stop() }

  // MARK: What it says

  /// The next line of its standard output.
  func line() throws -> String {
    while true {
      if let end = unread.firstIndex(of: 0x0a) {
        let line = String(decoding: unread[..<end], as: UTF8.self)
        unread.removeFirst(end + 1)
        return line
      }
      guard try readMore() else { throw BenchError("process \(pid) said no more") }
    }
  }

  /// The next line as JSON.
  func object() throws -> JSONValue {
    let line = try line()
    do {
      return try JSONValue(parsing: line)
    } catch {
      throw BenchError("process \(pid) said \(line)")
    }
  }

  /// False at the end of its output.
  private func readMore() throws -> Bool {
    var waited = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&waited, 1, Int32(PeerProcess.patienceSeconds * 1000)) == 1 else {
      throw BenchError("process \(pid) says nothing")
    }
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = unsafe read(output, &chunk, chunk.count)
    guard count > 0 else { return false }
    unread += chunk[..<count]
    return true
  }

  // MARK: How it ends

  /// Waits for its end; what it said is dropped.
  func finish() throws -> Int32 {
    while try readMore() {}
    return wait(seconds: PeerProcess.patienceSeconds) ?? -1
  }

  /// Asks it to end, and sees to it.
  func stop() {
    guard status == nil else { return }
    kill(pid, SIGTERM)
    if wait(seconds: PeerProcess.stopSeconds) == nil {
      kill(pid, SIGKILL)
      _ = wait(seconds: PeerProcess.stopSeconds)
    }
    close(output)
  }

  /// Whether it has ended, without waiting for it.
  var hasEnded: Bool { wait(seconds: 0) != nil }

  private func wait(seconds: Double) -> Int32? {
    let end = Clock.seconds() + seconds
    while status == nil {
      var ended: Int32 = 0
      if unsafe waitpid(pid, &ended, WNOHANG) == pid {
        status = ended & 0x7f == 0 ? ended >> 8 & 0xff : -(ended & 0x7f)
      } else {
        guard Clock.seconds() < end else { break }
        _ = poll(nil, 0, 2)
      }
    }
    return status
  }

  // MARK: What it costs

  /// CPU seconds of all its threads so far, to the nanosecond.
  func cpuSeconds() -> Double {
    var nanoseconds: UInt64 = 0
    for thread in Files.entries(of: "/proc/\(pid)/task") {
      let text = try? Files.readText("/proc/\(pid)/task/\(thread)/schedstat")
      nanoseconds += text?.split(separator: " ").first.flatMap { UInt64($0) } ?? 0
    }
    return Double(nanoseconds) / 1e9
  }
}

/// Time that only goes forward.
enum Clock {
  static func seconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
