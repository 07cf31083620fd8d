import JSON
package import SimulatorModel

/// Bends what the model says.
package enum AnswerFault {
  /// The answer after a fault of the stage `answer`; others leave it as it is.
  package static func bend(
    _ answer: inout Answer, _ fault: FaultName, _ options: FaultOptions, seed: UInt64
  ) {
    var random = SeedSequence(seed)
    switch fault {
    case .refusal:
      answer.tool = nil
      answer.text = "I can't help with that."
      answer.stop = .refusal
    case .maxTokens:
      answer.count()
      answer.cut(toTokens: options.after)
      return
    case .emptyContent:
      answer.tool = nil
      answer.text = nil
    case .fenced: answer.rewrite { "```json\n\($0)\n```" }
    case .prosed: answer.rewrite { "Here is the result:\n\n\($0)\n\nLet me know if you need more." }
    case .singleQuoted:
      answer.rewrite { String(decoding: $0.utf8.map { $0 == 0x22 ? 0x27 : $0 }, as: UTF8.self) }
    case .notJson: answer.rewrite { _ in "All of these look fine to me." }
    case .poison:
      answer.rewrite { _ in "I'm sorry, but I can't assess one of these items." }
    case .deep:
      answer.rewrite { _ in
        String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
      }
    default: bendValue(&answer, fault, &random)
    }
    answer.count()
  }

  private static func bendValue(
    _ answer: inout Answer, _ fault: FaultName, _ random: inout SeedSequence
  ) {
    guard let value = answer.value else { return }
    switch fault {
    case .nan:
      // Not JSON, so by way of a word that no answer holds.
      let bent = replaceNumber(value, by: .string("\u{1}NaN\u{1}"))
      answer.rewrite { _ in unquoted(bent.text()) }
    case .outOfRange: answer.replace(replaceNumber(value, by: .number(987_654_321)))
    case .wrongTypes: answer.replace(texts(value))
    case .enumCase: answer.replace(upperCased(value))
    case .extraKeys: answer.replace(changed(value) { $0["unasked"] = "surprise" })
    case .missingKeys:
      answer.replace(
        changed(value) { object in
          if let key = object.keys.last { object[key] = nil }
        })
    case .duplicateKeys:
      answer.rewrite { text in
        guard case .object(let object) = value, let key = object.keys.first else { return text }
        return "{" + JSONValue.string(key).text() + ":null," + text.dropFirst()
      }
    case .dropItem, .duplicateItem, .extraItem, .shiftItems, .swapItems, .renumberItems,
      .emptyItems:
      if let bent = bendItems(value, fault, &random) { answer.replace(bent) }
    default: break
    }
  }

  private static func unquoted(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "\"\\u0001NaN\\u0001\"") {
      result += rest[..<start.lowerBound] + "NaN"
      rest = rest[start.upperBound...]
    }
    return result + rest
  }

  // MARK: - Values

  private static func replaceNumber(_ value: JSONValue, by new: JSONValue) -> JSONValue {
    switch value {
    case .number: new
    case .array(let elements): .array(elements.map { replaceNumber($0, by: new) })
    case .object:
      mapped(value) { key, member in
        ItemKey.isID(key) ? member : replaceNumber(member, by: new)
      }
    default: value
    }
  }

  private static func texts(_ value: JSONValue) -> JSONValue {
    switch value {
    case .number(let number): .string(number.text)
    case .array(let elements): .array(elements.map(texts))
    case .object: mapped(value) { texts($1) }
    default: value
    }
  }

  private static func upperCased(_ value: JSONValue) -> JSONValue {
    switch value {
    case .string(let text): .string(text.uppercased())
    case .array(let elements): .array(elements.map(upperCased))
    case .object: mapped(value) { ItemKey.isID($0) ? $1 : upperCased($1) }
    default: value
    }
  }

  private static func mapped(
    _ value: JSONValue, _ change: (String, JSONValue) -> JSONValue
  ) -> JSONValue {
    var result = JSONObject()
    for (key, member) in value.objectValue ?? JSONObject() { result[key] = change(key, member) }
    return .object(result)
  }

  /// Changes the outermost object, or each object of the outermost array.
  private static func changed(
    _ value: JSONValue, _ change: (inout JSONObject) -> Void
  ) -> JSONValue {
    switch value {
    case .object(var object):
      change(&object)
      return .object(object)
    case .array(let elements): return .array(elements.map { changed($0, change) })
    default: return value
    }
  }

  // MARK: - Items

  /// The value with its first array of named items bent; nil when it has none.
  private static func bendItems(
    _ value: JSONValue, _ fault: FaultName, _ random: inout SeedSequence
  ) -> JSONValue? {
    switch value {
    case .array(let elements):
      guard let first = elements.first?.objectValue,
        let key = first.keys.first(where: ItemKey.isID)
      else { return nil }
      return .array(bent(elements, key, fault, &random))
    case .object(var object):
      for key in object.keys {
        guard let member = object[key], let bent = bendItems(member, fault, &random) else {
          continue
        }
        object[key] = bent
        return .object(object)
      }
      return nil
    default: return nil
    }
  }

  private static func bent(
    _ elements: [JSONValue], _ key: String, _ fault: FaultName, _ random: inout SeedSequence
  ) -> [JSONValue] {
    let ids = elements.map { $0[key] ?? .null }
    let place = random.below(elements.count)
    var elements = elements
    switch fault {
    case .dropItem: elements.remove(at: place)
    case .duplicateItem: elements.insert(elements[place], at: place)
    case .extraItem: elements.append(renamed(elements[place], key, .string("unasked-1")))
    case .shiftItems:
      for index in elements.indices {
        elements[index] = renamed(elements[index], key, ids[(index + 1) % ids.count])
      }
    case .swapItems:
      let other = (place + 1) % elements.count
      elements[place] = renamed(elements[place], key, ids[other])
      elements[other] = renamed(elements[other], key, ids[place])
    case .renumberItems:
      for index in elements.indices {
        let number: JSONValue =
          ids[index].stringValue == nil ? .number(index + 1) : .string(String(index + 1))
        elements[index] = renamed(elements[index], key, number)
      }
    default: elements = []
    }
    return elements
  }

  private static func renamed(_ item: JSONValue, _ key: String, _ id: JSONValue) -> JSONValue {
    guard case .object(var object) = item else { return item }
    object[key] = id
    return .object(object)
  }
}

extension Answer {
  fileprivate mutating func rewrite(_ change: (String) -> String) {
    if let arguments = tool?.arguments {
      tool?.arguments = change(arguments)
    } else {
      text = change(text ?? "")
    }
  }

  fileprivate mutating func replace(_ new: JSONValue) {
    value = new
    rewrite { _ in new.text() }
  }
}
