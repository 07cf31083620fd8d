import Glibc

/// What the kernel says of this process: for Admin and the CLI.
enum ProcessFacts {
  /// Threads by the names their makers gave them.
  static func threadNames() -> [String] {
    guard let directory = unsafe opendir("/proc/self/task") else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory), names.count < threadsMax {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(".") { continue }
      names.append(line(of: "/proc/self/task/\(name)/comm") ?? "?")
    }
    return names.sorted()
  }

  /// Resident memory in bytes.
  static func residentBytes() -> UInt64 {
    let fields = line(of: "/proc/self/statm")?.split(separator: " ") ?? []
    guard fields.count > 1, let pages = UInt64(fields[1]) else { return 0 }
    return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
  }

  private static let threadsMax = 256
  private static let lineBytesMax = 256

  private static func line(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: lineBytesMax)
    let count = unsafe read(descriptor, &buffer, lineBytesMax)
    guard count > 0 else { return nil }
    return String(decoding: buffer[..<count].prefix { $0 != 10 }, as: UTF8.self)
  }
}
