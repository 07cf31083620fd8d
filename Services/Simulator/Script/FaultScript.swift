package import JSON
package import SimulatorModel

/// How a fault is meant, where its name leaves that open.
package struct FaultOptions: Sendable, Equatable {
  package var seconds = 1.0
  package var status = 500
  /// Deltas, tokens or bytes before it strikes.
  package var after = 2
  package var bytes = 100_000_000
  package var delayMilliseconds = 10
  package var text = ""
  package var isBilled = false

  package init() {}
}

/// Which calls a rule means, what happens to them, and how often.
struct FaultRule: Sendable {
  var name = ""
  var fault = FaultName.delay
  var options = FaultOptions()
  // Who is meant; nil means everybody.
  var model: String?
  var dialect: String?
  var key: String?
  var path: String?
  var header: (name: String, value: String?)?
  var contains: [UInt8]?
  // Which of them, counted from 1 over the calls that this rule means.
  var from = 1
  var to = Int.max
  var every = 1
  var probability = 1.0
  var times = Int.max
  // What has happened.
  var seen = 0
  var struck = 0
}

/// A call as a rule sees it, before anybody has read its body.
package struct CallFacts: Sendable {
  package var dialect: Dialect
  package var path: String
  package var key: String
  package var model: String
  package var isStream: Bool
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(
    dialect: Dialect, path: String, key: String, model: String, isStream: Bool,
    headers: [(name: String, value: String)], body: [UInt8]
  ) {
    self.dialect = dialect
    self.path = path
    self.key = key
    self.model = model
    self.isStream = isStream
    self.headers = headers
    self.body = body
  }
}

/// The rules in force, in their order: the first that strikes wins.
package struct FaultScript: Sendable {
  /// What a call is to suffer.
  package struct Strike: Sendable {
    package let fault: FaultName
    package let options: FaultOptions
    /// For faults that choose: the same for the same script and call.
    package let seed: UInt64
  }

  private var rules: [FaultRule] = []
  private var seed: UInt64 = 0

  package init() {}

  package var isEmpty: Bool { rules.isEmpty }
  package var count: Int { rules.count }

  /// What happens to this call; counts it.
  package mutating func strike(_ facts: CallFacts) -> Strike? {
    for index in rules.indices {
      guard rules[index].means(facts) else { continue }
      rules[index].seen += 1
      let rule = rules[index]
      guard rule.struck < rule.times, rule.seen >= rule.from, rule.seen <= rule.to,
        (rule.seen - rule.from).isMultiple(of: rule.every)
      else { continue }
      var hash = ContentHash(seed: seed)
      hash.mix(UInt64(index))
      hash.mix(UInt64(rule.seen))
      var random = SeedSequence(hash.value)
      guard rule.probability >= 1 || random.unit() < rule.probability else { continue }
      rules[index].struck += 1
      return Strike(fault: rule.fault, options: rule.options, seed: random.next())
    }
    return nil
  }

  /// The rules with what they have done so far.
  package var report: JSONValue {
    .array(
      rules.map { rule in
        .object([
          "name": .string(rule.name), "fault": .string(rule.fault.rawValue),
          "seen": .number(rule.seen), "struck": .number(rule.struck),
        ])
      })
  }
}

extension FaultRule {
  func means(_ facts: CallFacts) -> Bool {
    if fault.stage == .stream, !facts.isStream { return false }
    if let model, model != facts.model { return false }
    if let dialect, dialect != facts.dialect.rawValue { return false }
    if let key, key != facts.key { return false }
    if let path, path != facts.path { return false }
    if let header {
      let found = facts.headers.contains {
        $0.name == header.name && (header.value == nil || $0.value == header.value)
      }
      guard found else { return false }
    }
    return contains.map { Self.search($0, in: facts.body) } ?? true
  }

  private static func search(_ wanted: [UInt8], in body: [UInt8]) -> Bool {
    guard let first = wanted.first, wanted.count <= body.count else { return false }
    for start in 0...(body.count - wanted.count) where body[start] == first {
      if body[start..<(start + wanted.count)].elementsEqual(wanted) { return true }
    }
    return false
  }
}

extension FaultScript {
  /// Why a script cannot be taken: one line.
  package struct Problem: Error, Sendable, Equatable {
    package let text: String

    package init(text: String) { self.text = text }
  }

  /// Reads `{"seed":…,"rules":[…]}`; an unknown key is a problem, so that a script that does
  /// nothing by mistake is seen.
  package init(_ value: JSONValue) throws(Problem) {
    seed = value["seed"]?.numberValue?.uint64 ?? 0
    let given = value["rules"]?.arrayValue ?? []
    guard given.count <= ScriptLimits.rulesMax else {
      throw Problem(text: "at most \(ScriptLimits.rulesMax) rules")
    }
    for (index, rule) in given.enumerated() {
      rules.append(try Self.rule(rule, "rules[\(index)]"))
    }
  }

  private static func rule(_ value: JSONValue, _ place: String) throws(Problem) -> FaultRule {
    try check(
      value, place, ["name", "match", "probability", "times", "fault", "with"])
    var rule = FaultRule()
    rule.name = value["name"]?.stringValue ?? ""
    let name = value["fault"]?.stringValue ?? ""
    guard let fault = FaultName(rawValue: name) else {
      throw Problem(text: "\(place).fault: there is no fault '\(name)'; see /control/faults")
    }
    rule.fault = fault
    rule.times = value["times"]?.intValue ?? .max
    rule.probability = value["probability"]?.doubleValue ?? 1
    if let with = value["with"] { rule.options = try options(with, "\(place).with") }
    guard let match = value["match"] else { return rule }
    try check(
      match, "\(place).match",
      ["model", "dialect", "key", "path", "header", "contains", "calls", "from", "to", "every"])
    rule.model = match["model"]?.stringValue
    rule.dialect = match["dialect"]?.stringValue
    rule.key = match["key"]?.stringValue
    rule.path = match["path"]?.stringValue
    if let name = match["header"]?["name"]?.stringValue {
      rule.header = (name.lowercased(), match["header"]?["value"]?.stringValue)
    }
    rule.contains = match["contains"]?.stringValue.map { Array($0.utf8) }
    rule.from = max(1, match["from"]?.intValue ?? match["calls"]?[0]?.intValue ?? 1)
    rule.to = match["to"]?.intValue ?? match["calls"]?[1]?.intValue ?? .max
    rule.every = max(1, match["every"]?.intValue ?? 1)
    return rule
  }

  private static func options(
    _ value: JSONValue, _ place: String
  ) throws(Problem) -> FaultOptions {
    try check(
      value, place, ["seconds", "status", "after", "bytes", "delay_ms", "text", "billed"])
    var options = FaultOptions()
    options.seconds = min(max(value["seconds"]?.doubleValue ?? 1, 0), 1e9)
    options.status = min(max(value["status"]?.intValue ?? 500, 100), 999)
    options.after = max(0, value["after"]?.intValue ?? 2)
    options.bytes = min(max(value["bytes"]?.intValue ?? 100_000_000, 0), 1 << 30)
    options.delayMilliseconds = min(max(value["delay_ms"]?.intValue ?? 10, 0), 3_600_000)
    options.text = value["text"]?.stringValue ?? ""
    options.isBilled = value["billed"]?.boolValue ?? false
    return options
  }

  private static func check(
    _ value: JSONValue, _ place: String, _ known: Set<String>
  ) throws(Problem) {
    guard let object = value.objectValue else { throw Problem(text: "\(place): no object") }
    if let stranger = object.keys.first(where: { !known.contains($0) }) {
      throw Problem(text: "\(place): there is no '\(stranger)', only \(known.sorted())")
    }
  }
}
