import Glibc
import Telemetry

/// The content of a file that nobody else should read.
struct SecretFile: Sendable {
  let secret: Secret
  /// Whether others than its owner may read it.
  let isExposed: Bool

  /// `credential:NAME` stands for a file that systemd's `LoadCredential=` provides.
  static func credentialName(in path: String) -> String? {
    let scheme = "credential:"
    return path.hasPrefix(scheme) ? String(path.dropFirst(scheme.count)) : nil
  }

  /// Reads straight into the secret's own memory, so that no other copy is left. The refusal
  /// never quotes the path: somebody may have put the secret itself there.
  init(reading path: String, credentials: String?) throws(SettingRefusal) {
    var path = path
    if let name = Self.credentialName(in: path) {
      guard let credentials else {
        throw SettingRefusal("names a credential, but CREDENTIALS_DIRECTORY is not set")
      }
      path = "\(credentials)/\(name)"
    }
    // A pipe in place of the file must not keep the process waiting.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw Self.refusal(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Self.refusal(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SettingRefusal("does not name a regular file")
    }
    isExposed = status.st_mode & (S_IRGRP | S_IROTH) != 0
    secret = try Self.content(of: descriptor)
  }

  private static func content(of descriptor: Int32) throws(SettingRefusal) -> Secret {
    let limit = ConfigurationLimits.secretBytesMax
    let secret = try unsafe Secret(capacity: limit + 1) { (room) throws(SettingRefusal) -> Int in
      var filled = 0
      while filled < room.count {
        let count = unsafe read(
          descriptor, room.baseAddress?.advanced(by: filled), room.count - filled)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw refusal(errno) }
        if count == 0 { break }
        filled += count
      }
      guard filled <= limit else { throw SettingRefusal("names a file longer than \(limit) bytes") }
      // Editors end a file with a newline that belongs to no secret.
      guard filled > 0, unsafe room[filled - 1] == 0x0A else { return filled }
      filled -= 1
      guard filled > 0, unsafe room[filled - 1] == 0x0D else { return filled }
      return filled - 1
    }
    guard !secret.isEmpty else { throw SettingRefusal("names an empty file") }
    return secret
  }

  private static func refusal(_ code: Int32) -> SettingRefusal {
    switch code {
    case ENOENT, ENOTDIR: SettingRefusal("names a file that does not exist")
    case EACCES, EPERM: SettingRefusal("names a file that this process may not read")
    default: SettingRefusal("names a file that cannot be read (error \(code))")
    }
  }
}
