import Faults
package import GatewayCatalog
import Machine
package import Telemetry

/// The secrets of a catalog's providers, read from where they lie. Reading blocks: it is done on
/// a thread that may wait, before anything depends on it.
package struct ProviderSecrets: Sendable {
  /// By provider and key; they leave this only in the header of a call.
  private let secrets: [String: String]

  package init(reading catalog: Catalog) throws {
    var secrets: [String: String] = [:]
    for provider in catalog.providers {
      for key in provider.keys {
        secrets["\(provider.name)/\(key.name)"] = try Self.text(of: key, provider.name)
      }
    }
    self.secrets = secrets
  }

  func text(_ provider: String, _ key: String) -> String { secrets["\(provider)/\(key)"] ?? "" }

  /// The secret of a product's key, as its callers send it.
  package static func read(_ key: ProviderKey, of owner: String) throws -> Secret {
    Secret(try text(of: key, owner))
  }

  private static func text(of key: ProviderKey, _ owner: String) throws -> String {
    switch key.source {
    case .text(let text): return text
    case .file(let path):
      do {
        return try Files.readText(path).trimmingLineEnd()
      } catch {
        throw Fault(
          .failedPrecondition, reason: "NO_KEY",
          "The key \(key.name) of \(owner) cannot be read: \(error).",
          hint: "Put it into the file that the gateway's file names.")
      }
    }
  }
}

extension String {
  fileprivate func trimmingLineEnd() -> String {
    var text = self[...]
    while let last = text.last, last.isNewline || last == " " { text.removeLast() }
    return String(text)
  }
}
