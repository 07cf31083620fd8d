import CMachine
import Glibc

/// Processes of this machine, as /proc tells of them.
package enum Processes {
  /// What /proc says of one process at one moment.
  package struct Facts: Equatable, Sendable {
    package let pid: Int32
    package let parent: Int32
    /// The kernel's letter: `R`, `S`, `Z` …
    package let state: Character
    /// In clock ticks since boot. A number is given to a new process only after the old one is
    /// gone, so pid and start time together name one process for good.
    package let startTime: UInt64
    package let threadCount: Int
    package let residentByteCount: Int
  }

  package static var own: Int32 { getpid() }
  package static var ownUser: UInt32 { getuid() }
  package static var ownGroup: UInt32 { getgid() }

  /// The file this process runs from.
  package static var ownExecutable: String? { Files.target(ofLink: "/proc/self/exe") }

  /// Gives back the pages of the program and its libraries that only the start needed: about half
  /// of what an idle service would hold. What is used again is read again from the file.
  package static func giveBackStartPages() { assay_drop_start_pages() }

  /// nil when there is no such process.
  package static func facts(of pid: Int32) -> Facts? {
    guard let text = try? Files.readText("/proc/\(pid)/stat") else { return nil }
    return facts(of: pid, stat: text)
  }

  /// Reads a line of /proc/<pid>/stat; the name in it may hold blanks and parentheses.
  static func facts(of pid: Int32, stat text: String) -> Facts? {
    guard let nameEnd = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: nameEnd)...].split { $0 == " " || $0 == "\n" }
    guard fields.count > 21, let state = fields[0].first, let parent = Int32(fields[1]),
      let threads = Int(fields[17]), let start = UInt64(fields[19]), let pages = Int(fields[21])
    else { return nil }
    return Facts(
      pid: pid, parent: parent, state: state, startTime: start, threadCount: threads,
      residentByteCount: pages * sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Whether the process runs, rather than being gone or waiting to be buried.
  package static func isRunning(_ pid: Int32, startTime: UInt64? = nil) -> Bool {
    guard let facts = facts(of: pid), facts.state != "Z", facts.state != "X" else { return false }
    return startTime == nil || facts.startTime == startTime
  }

  /// Sends a signal; false when there is no such process.
  ///
  /// Numbers below 2 are refused: 0 and -1 mean many processes to the kernel.
  @discardableResult
  package static func signal(_ pid: Int32, _ number: Int32) -> Bool {
    pid > 1 && kill(pid, number) == 0
  }

  /// The process's arguments; empty when it is gone.
  package static func arguments(of pid: Int32) -> [String] {
    guard let bytes = try? Files.read("/proc/\(pid)/cmdline") else { return [] }
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}
