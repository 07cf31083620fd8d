import Faults
import Protobuf
import ScoreContract
import StoreBackend
import StoreContract

/// Orders as bytes, one behind the other: a mark, the product, and what the kind of order needs.
/// Requests are packed messages, so that a field that a later program adds changes nothing here.
struct OrderBytes {
  var bytes: [UInt8] = []

  enum Mark {
    static let createRun: UInt8 = 1
    static let requestOfRun: UInt8 = 2
    static let commit: UInt8 = 3
    static let putRubric: UInt8 = 4
    static let putLabels: UInt8 = 5
    static let acquireLease: UInt8 = 6
    static let endLease: UInt8 = 7
  }

  mutating func put(_ number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }

  mutating func put(_ number: UInt32) {
    for shift in stride(from: 0, to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift)))
    }
  }

  mutating func put(_ field: [UInt8]) {
    put(UInt32(field.count))
    bytes += field
  }

  mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    bytes += text.utf8
  }

  mutating func put(_ message: some WireMessage) { put(message.packed()) }

  mutating func put(_ order: WriteOrder) {
    switch order {
    case .createRun(let product, let request): begin(Mark.createRun, product, request)
    case .requestOfRun(let product, let request): begin(Mark.requestOfRun, product, request)
    case .commit(let product, let commit):
      begin(Mark.commit, product)
      put(commit.id)
      put(commit.leaseName)
      put(commit.leaseToken)
      put(commit.body)
    case .putRubric(let product, let rubric): begin(Mark.putRubric, product, rubric)
    case .putLabels(let product, let labels):
      begin(Mark.putLabels, product)
      put(UInt32(labels.count))
      for label in labels { put(label) }
    case .acquireLease(let product, let name, let session):
      begin(Mark.acquireLease, product)
      put(name)
      put(session)
    case .endLease(let product, let name, let token):
      begin(Mark.endLease, product)
      put(name)
      put(token)
    }
  }

  private mutating func begin(_ mark: UInt8, _ product: ProductScope) {
    bytes.append(mark)
    put(product.name)
  }

  private mutating func begin(
    _ mark: UInt8, _ product: ProductScope, _ message: some WireMessage
  ) {
    begin(mark, product)
    put(message)
  }
}

/// Reads what `OrderBytes` wrote. Its bytes passed a sum, yet nothing in them is believed.
struct OrderReader {
  private let bytes: [UInt8]
  private var at: Int
  private let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    at = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { at == end }

  mutating func raw(_ count: Int) throws(Fault) -> [UInt8] {
    guard count <= end - at else { throw .journalUnreadable("an order without its end") }
    defer { at += count }
    return Array(bytes[at..<at + count])
  }

  mutating func number() throws(Fault) -> UInt64 {
    try raw(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func short() throws(Fault) -> UInt32 {
    try raw(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private mutating func field() throws(Fault) -> [UInt8] { try raw(Int(short())) }

  private mutating func text() throws(Fault) -> String {
    guard let text = String(validating: try field(), as: UTF8.self) else {
      throw .journalUnreadable("a name that is no text")
    }
    return text
  }

  private mutating func message<M: WireMessage>(_ type: M.Type) throws(Fault) -> M {
    do {
      return try M(unpacking: try field())
    } catch {
      throw .journalUnreadable("a \(M.wireName) that cannot be read")
    }
  }

  mutating func order() throws(Fault) -> WriteOrder {
    let mark = try raw(1)[0]
    let product = try ProductScope(text())
    switch mark {
    case OrderBytes.Mark.createRun: return .createRun(product, try message(CreateRunRequest.self))
    case OrderBytes.Mark.requestOfRun:
      return .requestOfRun(product, try message(RequestOfRunRequest.self))
    case OrderBytes.Mark.commit: return try commit(product)
    case OrderBytes.Mark.putRubric: return .putRubric(product, try message(Rubric.self))
    case OrderBytes.Mark.putLabels:
      let count = try short()
      var labels: [Label] = []
      for _ in 0..<count { labels.append(try message(Label.self)) }
      return .putLabels(product, labels)
    case OrderBytes.Mark.acquireLease:
      return .acquireLease(product, name: try text(), session: try text())
    case OrderBytes.Mark.endLease:
      return .endLease(product, name: try text(), token: try number())
    default: throw .journalUnreadable("an order of kind \(mark)")
    }
  }

  private mutating func commit(_ product: ProductScope) throws(Fault) -> WriteOrder {
    let (id, leaseName, leaseToken) = (try text(), try text(), try number())
    var request = try message(CommitRequest.self)
    request.commitId = id
    request.leaseName = leaseName
    request.leaseToken = leaseToken
    do {
      return try .commit(product, request)
    } catch {
      throw .journalUnreadable("a commit that is refused now: \(error.reason)")
    }
  }
}
