/// The members of a JSON object in the order they were written, each key once.
///
/// Keys are told apart by their UTF-8 bytes, as every other reader of JSON does: Swift's own
/// equality would take two spellings of "é" for one key. Two objects are equal when they hold
/// the same members in any order.
package struct JSONObject: Sendable {
  /// One name and its value.
  private struct Member: Equatable, Sendable {
    let key: JSONKey
    var value: JSONValue
  }

  private var members: [Member] = []
  /// Positions by key, kept only when a scan would cost more.
  private var index: [JSONKey: Int]?

  private static let scannedCountMax = 12

  package init() {}

  package subscript(key: String) -> JSONValue? {
    get { position(of: JSONKey(text: key)).map { members[$0].value } }
    set {
      let known = JSONKey(text: key)
      switch (position(of: known), newValue) {
      case (let position?, let value?):
        members[position].value = value
      case (let position?, nil):
        members.remove(at: position)
        reindex()
      case (nil, let value?):
        append(Member(key: known, value: value))
      case (nil, nil):
        break
      }
    }
  }

  package var keys: [String] { members.map(\.key.text) }

  package func contains(_ key: String) -> Bool { position(of: JSONKey(text: key)) != nil }

  /// Appends a member; false, and nothing is changed, when the key is already there.
  package mutating func insert(_ value: JSONValue, for key: String) -> Bool {
    let known = JSONKey(text: key)
    guard position(of: known) == nil else { return false }
    append(Member(key: known, value: value))
    return true
  }

  /// Appends a member whose key is known not to be there: the reader has just looked.
  mutating func append(_ value: JSONValue, forNew key: String) {
    append(Member(key: JSONKey(text: key), value: value))
  }

  private func position(of key: JSONKey) -> Int? {
    if let index { return index[key] }
    return members.firstIndex { $0.key == key }
  }

  private mutating func append(_ member: Member) {
    index?[member.key] = members.count
    members.append(member)
    if index == nil, members.count > Self.scannedCountMax { reindex() }
  }

  private mutating func reindex() {
    guard members.count > Self.scannedCountMax else {
      index = nil
      return
    }
    var fresh = [JSONKey: Int](minimumCapacity: members.count * 2)
    for (position, member) in members.enumerated() { fresh[member.key] = position }
    index = fresh
  }
}

extension JSONObject: RandomAccessCollection {
  package var startIndex: Int { 0 }
  package var endIndex: Int { members.count }
  package subscript(position: Int) -> (key: String, value: JSONValue) {
    (members[position].key.text, members[position].value)
  }
}

extension JSONObject: Equatable {
  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.members.count == right.members.count else { return false }
    return left.members.allSatisfy { member in
      right.position(of: member.key).map { right.members[$0].value == member.value } ?? false
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }
}

/// A member's name, compared and hashed by its bytes.
struct JSONKey: Hashable, Sendable {
  let text: String

  static func == (left: JSONKey, right: JSONKey) -> Bool {
    left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
