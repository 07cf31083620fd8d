import Digest
import Faults
import GatewayDoor
import GatewayLedger
package import GatewayValues
package import LedgerFile

extension AccountBook {
  /// A key as whoever asks may see it.
  package struct KeyStanding: Hashable, Sendable {
    package let product: GatewayName
    package let name: GatewayName
    /// 0 of a key of the file.
    package let createdAt: Int64
    package let revokedAt: Int64?
    package let origin: ChangeNote.Origin

    package var id: String { "\(product)/\(name)" }
  }

  /// All keys: the file's, then those that were made, the revoked ones among them.
  package func keyStandings(of product: GatewayName?) -> [KeyStanding] {
    var known = Dictionary(keys.map { ($0.key.hash, $0) }) { first, _ in first }
    var standings: [KeyStanding] = []
    for key in file.keys {
      let record = known.removeValue(forKey: key.hash)
      standings.append(
        KeyStanding(
          product: key.product, name: key.name, createdAt: 0, revokedAt: record?.revokedAt,
          origin: .file))
    }
    for record in keys where known[record.key.hash] != nil {
      standings.append(Self.standing(record))
    }
    guard let product else { return standings }
    return standings.filter { $0.product == product }
  }

  private static func standing(_ record: KeyRecord) -> KeyStanding {
    KeyStanding(
      product: record.key.product, name: record.key.name, createdAt: record.createdAt,
      revokedAt: record.revokedAt, origin: record.origin)
  }

  /// Makes a key; its secret is told here and nowhere else.
  package func createKey(
    _ product: GatewayName, _ name: GatewayName, note: ChangeNote
  ) async throws -> (KeyStanding, secret: String) {
    try await alone {
      guard self.isThere(product) else { throw self.noProduct(product) }
      guard !name.text.contains("/") else { throw Self.badName(name) }
      guard self.keys.count < AccountLimits.keysMax else {
        throw Fault(
          .resourceExhausted, reason: "TOO_MANY_KEYS",
          "There are \(AccountLimits.keysMax) keys already (keysMax).")
      }
      let isUsed =
        self.keys.contains { $0.key.product == product && $0.key.name == name }
        || self.file.keys.contains { $0.product == product && $0.name == name }
      guard !isUsed else { throw Self.nameUsed(product, name) }
      let secret = Self.secret()
      let hash = CallerDirectory.hash(Array(secret.utf8))
      guard let role = GatewayName("caller") else { throw Self.badName(name) }
      let key = LedgerKey(hash: hash, name: name, product: product, role: role)
      try await self.ledger.set(key, note: note)
      try await self.learn(hash)
      guard let record = self.keys.last(where: { $0.key.hash == hash }) else {
        throw Fault.ledgerClosed
      }
      self.log(note, "CreateKey", "\(product)/\(name)")
      return (Self.standing(record), secret)
    }
  }

  /// Ends a key for ever; asked again, it says the same.
  package func revokeKey(_ id: String, note: ChangeNote) async throws -> KeyStanding {
    try await alone {
      let open = self.keyStandings(of: nil).filter { $0.id == id }
      guard let found = open.first(where: { $0.revokedAt == nil }) ?? open.first else {
        throw Fault(
          .notFound, reason: "KEY_UNKNOWN", "There is no key \(id).", hint: "assay key ls",
          facts: ["key": id])
      }
      guard found.revokedAt == nil else { return found }
      let hash =
        found.origin == .file
        ? self.file.keys.first {
          $0.id == id && !self.isRevoked($0.hash)
        }?.hash
        : self.keys.first { $0.key.product == found.product && $0.key.name == found.name }?.key
          .hash
      guard let hash, let role = GatewayName("caller") else { throw Fault.ledgerClosed }
      var key = LedgerKey(hash: hash, name: found.name, product: found.product, role: role)
      key.isRevoked = true
      try await self.ledger.set(key, note: note)
      try await self.learn(hash)
      self.log(note, "RevokeKey", id)
      return self.keyStandings(of: nil).first { $0.id == id && $0.revokedAt != nil } ?? found
    }
  }

  private func isRevoked(_ hash: [UInt8]) -> Bool {
    keys.contains { $0.key.hash == hash && $0.key.isRevoked }
  }

  /// Takes what the ledger now knows of the keys.
  private func learn(_ hash: [UInt8]) async throws {
    keys = try await ledger.keyRecords()
    tellDoor()
  }

  /// 256 random bits of the kernel's, behind a word that scanners of leaked secrets can find.
  private static func secret() -> String {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<AccountLimits.secretBytes).map { _ in UInt8.random(in: 0...255, using: &random)
    }
    return AccountLimits.secretPrefix + Hex.text(bytes)
  }

  private static func badName(_ name: GatewayName) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_KEY_NAME", "\(name) is no name of a key: it has a slash.",
      violations: [.init(field: "name", description: "no slash")])
  }

  private static func nameUsed(_ product: GatewayName, _ name: GatewayName) -> Fault {
    Fault(
      .alreadyExists, reason: "KEY_EXISTS", "\(product) has had a key \(name).",
      hint: "Give the new one another name: lines of the ledger are told by it.",
      facts: ["key": "\(product)/\(name)"])
  }
}
