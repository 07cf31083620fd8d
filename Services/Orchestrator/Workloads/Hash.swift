import Digest

/// Names made of content.
enum Hash {
  /// The same parts give the same name, and no other parts do.
  static func of(_ parts: [[UInt8]]) -> String {
    var digest = SHA256()
    for part in parts { digest.update(field: part) }
    return digest.finishHex()
  }
}
