package import Faults
package import GatewayValues

/// An account: one budget, for one subject, in one window.
package struct AccountKey: Hashable, Sendable {
  package let budget: GatewayName
  package let subject: String
  package let window: BudgetWindow

  package init(budget: GatewayName, subject: String, window: BudgetWindow) {
    self.budget = budget
    self.subject = subject
    self.window = window
  }
}

/// The budgets in force, found by who pays.
package struct BudgetTable: Sendable {
  /// A party with only those parts that a budget names.
  private struct Target: Hashable, Sendable {
    var parts: [GatewayName?]
  }

  private struct Entry: Sendable {
    var budget: Budget
    let zone: TimeZoneRules
    /// The window that was asked for last.
    var window: BudgetWindow
  }

  private var entries: [GatewayName: Entry] = [:]
  private var names: [Target: [GatewayName]] = [:]
  /// Which parts are named by some budget, and by how many: at most 16 kinds.
  private var shapes: [[Bool]: Int] = [:]
  private var zones: [String: TimeZoneRules] = [:]

  package init() {}

  package var budgets: [Budget] { entries.values.map(\.budget).sorted { $0.name < $1.name } }
  package var count: Int { entries.count }

  package subscript(name: GatewayName) -> Budget? { entries[name]?.budget }

  /// Puts a budget in force, or changes its cap; throws when its zone is not known here.
  package mutating func set(_ budget: Budget) throws(Fault) {
    if entries[budget.name] != nil {
      entries[budget.name]?.budget = budget
      return
    }
    let zone: TimeZoneRules
    if let known = zones[budget.zone] {
      zone = known
    } else {
      zone = try TimeZoneRules(named: budget.zone)
      zones[budget.zone] = zone
    }
    entries[budget.name] = Entry(
      budget: budget, zone: zone, window: BudgetWindow(start: 0, end: 0))
    let target = Self.target(of: budget.scope)
    names[target, default: []].append(budget.name)
    shapes[target.parts.map { $0 != nil }, default: 0] += 1
  }

  package mutating func remove(_ name: GatewayName) {
    guard let entry = entries.removeValue(forKey: name) else { return }
    let target = Self.target(of: entry.budget.scope)
    names[target]?.removeAll { $0 == name }
    if names[target]?.isEmpty == true { names[target] = nil }
    let shape = target.parts.map { $0 != nil }
    shapes[shape, default: 1] -= 1
    if shapes[shape] == 0 { shapes[shape] = nil }
  }

  private static func target(of scope: BudgetScope) -> Target {
    Target(
      parts: scope.parts.map { part in
        if case .only(let name) = part { name } else { nil }
      })
  }

  /// The accounts that a party's calls draw from at a moment, and until when that holds.
  package mutating func accounts(
    of party: CallParty, at now: Int64
  ) -> (keys: [AccountKey], until: Int64) {
    let values: [GatewayName?] = [party.product, party.key, party.run, party.model]
    var keys: [AccountKey] = []
    var until = Int64.max
    for shape in shapes.keys {
      let target = Target(parts: zip(values, shape).map { $1 ? $0 : nil })
      for name in names[target] ?? [] {
        guard let key = account(of: name, values, at: now) else { continue }
        keys.append(key)
        until = min(until, key.window.end)
      }
    }
    keys.sort { ($0.budget, $0.subject) < ($1.budget, $1.subject) }
    return (keys, until)
  }

  /// The account within a budget; nil when the party lacks a part that is counted each.
  private mutating func account(
    of name: GatewayName, _ values: [GatewayName?], at now: Int64
  ) -> AccountKey? {
    guard let entry = entries[name] else { return nil }
    var subject: [String] = []
    for (part, value) in zip(entry.budget.scope.parts, values) {
      switch part {
      case .any: continue
      case .only(let wanted): guard value == wanted else { return nil }
      case .each:
        guard let value else { return nil }
        subject.append(value.text)
      }
    }
    return AccountKey(
      budget: name, subject: subject.joined(separator: " "), window: window(of: entry, at: now))
  }

  private mutating func window(of entry: Entry, at now: Int64) -> BudgetWindow {
    if entry.window.contains(now) { return entry.window }
    let window = entry.zone.window(of: entry.budget.period, atMilliseconds: now)
    entries[entry.budget.name]?.window = window
    return window
  }

  /// The window of a budget at a moment.
  package func window(of name: GatewayName, at now: Int64) -> BudgetWindow? {
    guard let entry = entries[name] else { return nil }
    return entry.zone.window(of: entry.budget.period, atMilliseconds: now)
  }
}
