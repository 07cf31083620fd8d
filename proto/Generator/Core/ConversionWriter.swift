import Descriptors

/// A message's way to protobuf-c's struct and back.
struct ConversionWriter {
  private let names: SwiftNames

  init(names: SwiftNames) {
    self.names = names
  }

  func write(_ message: MessageSchema, to text: inout SourceText) throws {
    let path = try names.path(message.fullName)
    let function = CNames.function(message.fullName)
    text.line()
    text.block("extension \(path): WireMessage") { text in
      text.line("package static var wireName: String { \"\(message.fullName)\" }")
      text.line()
      text.block("package init(unpacking bytes: RawSpan) throws(WireError)") { text in
        text.line("let arena = try WireArena(unpacking: bytes.byteCount, Self.wireName)")
        text.block("let message = unsafe bytes.withUnsafeBytes") { text in
          text.line("unsafe \(function)__unpack(arena.allocator, $0.count, arena.start(of: $0))")
        }
        text.line("guard let message = unsafe message else { throw arena.failure(Self.wireName) }")
        text.line("try unsafe self.init(wire: message, in: arena)")
      }
      text.line()
      text.block("package func appendPacked(to bytes: inout [UInt8])") { text in
        text.line("let arena = WireArena()")
        text.line("unsafe arena.pack(wire(in: arena), behind: &bytes)")
      }
    }
    text.line()
    try text.block("extension \(path): WireStruct") { text in
      try writeReading(message, to: &text)
      text.line()
      try writeWriting(message, function: function, to: &text)
    }
    for inner in message.messages where !inner.isMapEntry { try write(inner, to: &text) }
  }

  // MARK: - From C

  private func writeReading(_ message: MessageSchema, to text: inout SourceText) throws {
    let signature = "package init(wire: UnsafeRawPointer, in arena: borrowing WireArena)"
    try text.block("\(signature) throws(WireError)") { text in
      text.line("self.init()")
      if message.fields.isEmpty { return }
      text.line(
        "let c = unsafe wire.assumingMemoryBound(to: \(CNames.type(message.fullName)).self)")
      for field in message.fields { try writeReading(field, of: message, to: &text) }
      for index in message.oneofs.indices where message.isChoice(index) {
        try writeReadingChoice(index, of: message, to: &text)
      }
    }
  }

  private func writeReading(
    _ field: FieldSchema, of message: MessageSchema, to text: inout SourceText
  ) throws {
    let property = "self.\(SwiftNames.property(field.name))"
    let member = "c.pointee.\(CNames.member(field).memberEscaped)"
    let count = "c.pointee.n_\(CNames.member(field))"
    let fullName = "\(message.fullName).\(field.name)"
    switch try FieldShape(field, of: message, names: names) {
    case .plain(let scalar), .optional(let scalar, oneof: nil):
      text.line("\(property) = \(scalar.mark)\(scalar.read(member, field: fullName))")
    case .optional(let scalar, .some(let oneof)):
      let there = "c.pointee.\(CNames.caseMember(oneof)).rawValue == \(field.number)"
      text.block("if unsafe \(there)") { text in
        text.line("\(property) = \(scalar.mark)\(scalar.read(member, field: fullName))")
      }
    case .repeated(let scalar):
      let all = scalar.readAll(member, count: count, field: fullName)
      text.block("if unsafe \(count) > 0") { $0.line("\(property) = \(scalar.mark)\(all)") }
    case .map(let entry, let key, let value):
      try writeReadingMap(field, entry, key, value, of: message, to: &text)
    case .choice: break
    }
  }

  private func writeReadingMap(
    _ field: FieldSchema, _ entry: MessageSchema, _ key: Scalar, _ value: Scalar,
    of message: MessageSchema, to text: inout SourceText
  ) throws {
    let property = "self.\(SwiftNames.property(field.name))"
    let member = CNames.member(field)
    let fullName = "\(message.fullName).\(field.name)"
    text.block("if unsafe c.pointee.n_\(member) > 0") { text in
      text.line("let count = unsafe c.pointee.n_\(member)")
      let stride = "MemoryLayout<(\(key.type), \(value.type))>.stride * 2"
      text.line("try arena.charge(count, stride: \(stride), \"\(fullName)\")")
      text.line("\(property).reserveCapacity(count)")
      text.block("for index in 0..<count") { text in
        text.line(
          "guard let entry = unsafe c.pointee.\(member.memberEscaped)?[index] else { continue }")
        text.line("let key = \(key.mark)\(key.read("entry.pointee.key", field: fullName))")
        let read = value.read("entry.pointee.value", field: fullName)
        let tail = value.form == .message ? " ?? \(value.initial)" : ""
        text.line("\(property)[key] = \(value.mark)\(read)\(tail)")
      }
    }
  }

  private func writeReadingChoice(
    _ index: Int, of message: MessageSchema, to text: inout SourceText
  ) throws {
    let oneof = message.oneofs[index]
    let property = "self.\(SwiftNames.property(oneof))"
    text.line("switch unsafe c.pointee.\(CNames.caseMember(oneof)).rawValue {")
    for field in message.choices(of: index) {
      let scalar = try Scalar(field, names: names)
      let member = "c.pointee.\(CNames.member(field).memberEscaped)"
      let read = scalar.read(member, field: "\(message.fullName).\(field.name)")
      let name = SwiftNames.choiceCase(field.name)
      text.line("case \(field.number):")
      text.indented { text in
        if scalar.form == .message {
          text.line("\(property) = (\(scalar.mark)\(read)).map { .\(name)($0) }")
        } else {
          text.line("\(property) = \(scalar.mark).\(name)(\(read))")
        }
      }
    }
    text.line("default: break")
    text.line("}")
  }

  // MARK: - To C

  private func writeWriting(
    _ message: MessageSchema, function: String, to text: inout SourceText
  ) throws {
    let signature = "package func wire(in arena: borrowing WireArena) -> UnsafeMutableRawPointer"
    try text.block(signature) { text in
      let type = CNames.type(message.fullName)
      text.line("let c: UnsafeMutablePointer<\(type)> = unsafe arena.new(\(function)__init)")
      for field in message.fields { try writeWriting(field, of: message, to: &text) }
      for index in message.oneofs.indices where message.isChoice(index) {
        try writeWritingChoice(index, of: message, to: &text)
      }
      text.line("return UnsafeMutableRawPointer(c)")
    }
  }

  private func writeWriting(
    _ field: FieldSchema, of message: MessageSchema, to text: inout SourceText
  ) throws {
    let property = "self.\(SwiftNames.property(field.name))"
    let member = "c.pointee.\(CNames.member(field).memberEscaped)"
    let count = "c.pointee.n_\(CNames.member(field))"
    switch try FieldShape(field, of: message, names: names) {
    case .plain(let scalar):
      text.line("unsafe \(member) = \(scalar.write(property))")
    case .optional(let scalar, let oneof):
      text.block("if let value = \(property)") { text in
        if let oneof {
          let which = "c.pointee.\(CNames.caseMember(oneof))"
          text.line("unsafe \(which) = .init(rawValue: \(field.number))")
        }
        text.line("unsafe \(member) = \(scalar.write("value"))")
      }
    case .repeated(let scalar):
      text.line("unsafe \(count) = \(property).count")
      text.line("unsafe \(member) = \(scalar.writeAll(property))")
    case .map(let entry, let key, let value):
      let order = key.form == .bool ? "!$0.key && $1.key" : "$0.key < $1.key"
      text.line("let \(CNames.member(field))_sorted = \(property).sorted { \(order) }")
      text.line("unsafe \(count) = \(property).count")
      text.block("unsafe \(member) = arena.values(\(CNames.member(field))_sorted)") { text in
        let type = CNames.type(entry.fullName)
        text.line("key, value in")
        text.line(
          "let entry: UnsafeMutablePointer<\(type)> = "
            + "unsafe arena.new(\(CNames.function(entry.fullName))__init)")
        text.line("unsafe entry.pointee.key = \(key.write("key"))")
        text.line("unsafe entry.pointee.value = \(value.write("value"))")
        text.line("return unsafe entry")
      }
    case .choice: break
    }
  }

  private func writeWritingChoice(
    _ index: Int, of message: MessageSchema, to text: inout SourceText
  ) throws {
    let oneof = message.oneofs[index]
    text.line("switch self.\(SwiftNames.property(oneof)) {")
    for field in message.choices(of: index) {
      let scalar = try Scalar(field, names: names)
      text.line("case .\(SwiftNames.choiceCase(field.name))(let value):")
      text.indented { text in
        text.line("unsafe c.pointee.\(CNames.caseMember(oneof)) = .init(rawValue: \(field.number))")
        text.line(
          "unsafe c.pointee.\(CNames.member(field).memberEscaped) = \(scalar.write("value"))")
      }
    }
    text.line("case nil: break")
    text.line("}")
  }
}

extension Scalar {
  /// The effects of reading it.
  var mark: String { throwsOnRead ? "try unsafe " : "unsafe " }
}

extension MessageSchema {
  /// The fields of one of the proto's own oneofs.
  func choices(of oneof: Int) -> [FieldSchema] {
    fields.filter { $0.oneofIndex == oneof && !$0.isProto3Optional }
  }
}

extension String {
  /// A C member's name behind a dot: these two mean something else there.
  var memberEscaped: String { ["init", "self"].contains(self) ? "`\(self)`" : self }
}
