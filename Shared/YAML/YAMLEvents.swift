import CYAML

/// What libyaml says next, as values.
struct YAMLEvent {
  enum Kind {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(YAMLScalar, tag: String?, anchor: String?)
    case sequenceStart(tag: String?, anchor: String?)
    case sequenceEnd
    case mappingStart(tag: String?, anchor: String?)
    case mappingEnd
  }

  let kind: Kind
  let mark: YAMLMark
}

/// libyaml's parser over bytes that outlive it.
@safe
struct YAMLEvents: ~Copyable {
  // The parser points into itself, so it has memory of its own.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let file: String

  init(_ bytes: UnsafeRawBufferPointer, file: String) {
    self.file = file
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    let isReady = unsafe yaml_parser_initialize(parser)
    precondition(isReady == 1, "libyaml found no memory, as Swift's own arrays would not")
    // An empty buffer may have no address, and libyaml asserts that there is one.
    unsafe yaml_parser_set_input_string(
      parser, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing, bytes.count)
    // Otherwise a mark of UTF-16 would change what the bytes mean.
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe self.parser = parser
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
  }

  private static let empty: StaticString = ""
  private static var nothing: UnsafePointer<UInt8> { unsafe empty.utf8Start }

  mutating func next() throws(YAMLError) -> YAMLEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { unsafe yaml_event_delete(&event) }
    return unsafe YAMLEvent(kind: Self.kind(of: event), mark: Self.mark(event.start_mark))
  }

  private static func kind(of event: yaml_event_t) -> YAMLEvent.Kind {
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(unsafe text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT: return unsafe scalar(event.data.scalar)
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      return .sequenceStart(tag: unsafe text(start.tag), anchor: unsafe text(start.anchor))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      return .mappingStart(tag: unsafe text(start.tag), anchor: unsafe text(start.anchor))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd
    }
  }

  private static func scalar(
    _ scalar: yaml_event_t.__Unnamed_union_data.__Unnamed_struct_scalar
  ) -> YAMLEvent.Kind {
    let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
    let tag = unsafe text(scalar.tag)
    let style: YAMLScalar.Style =
      switch unsafe scalar.style {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
      case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
      case YAML_LITERAL_SCALAR_STYLE: .literal
      case YAML_FOLDED_SCALAR_STYLE: .folded
      default: .plain
      }
    // `plain_implicit` is libyaml's word for "plain and without a tag"; `!` alone means string.
    let isOpen =
      unsafe scalar.plain_implicit == 1
      || (style == .plain && tag != nil && tag != stringTag && tag != "!")
    let value = YAMLScalar(
      text: unsafe String(decoding: bytes, as: UTF8.self), style: style, isOpen: isOpen)
    return .scalar(value, tag: tag, anchor: unsafe text(scalar.anchor))
  }

  private static let stringTag = "tag:yaml.org,2002:str"

  private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
  }

  private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
    YAMLMark(line: mark.line + 1, column: mark.column + 1)
  }

  private func problem() -> YAMLError {
    let words = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not YAML"
    // The reader, which finds bad bytes, knows only how far it has come.
    let place =
      unsafe parser.pointee.error == YAML_READER_ERROR
      ? parser.pointee.mark : parser.pointee.problem_mark
    return YAMLError(.syntax(words), file: file, mark: Self.mark(place))
  }
}
