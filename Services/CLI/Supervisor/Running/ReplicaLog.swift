import Machine

/// What one replica prints, in a file that never grows beyond its limit.
///
/// At `bytesMax` the file becomes `<path>.1`, replacing an older one, and a new one begins. A
/// full disk loses lines and stops nothing.
final class ReplicaLog {
  static let bytesMax = 8 << 20
  /// Kept in memory, to be shown when the replica fails.
  static let lastLinesMax = 5

  private let path: String
  private var file: OpenFile?
  private var byteCount = 0
  private(set) var lastLines: [String] = []

  init(path: String) {
    self.path = path
    open()
  }

  func append(_ line: String) {
    if lastLines.count == Self.lastLinesMax { lastLines.removeFirst() }
    lastLines.append(line)
    let text = line + "\n"
    if byteCount + text.utf8.count > Self.bytesMax { rotate() }
    guard file != nil else { return }
    do {
      try file?.write(text)
      byteCount += text.utf8.count
    } catch {
      // The next line may find room again; opening anew also survives a removed directory.
      open()
    }
  }

  private func open() {
    file = try? OpenFile(path, for: .append)
    byteCount = file?.byteCount ?? 0
  }

  private func rotate() {
    try? Files.rename(path, to: path + ".1")
    open()
  }
}
