package import CProtobufC

// How generated code takes Swift's values out of protobuf-c's structs.
extension WireArena {
  /// The text of a string field, checked to be UTF-8.
  @unsafe package func string(
    _ data: ProtobufCBinaryData, _ field: StaticString
  ) throws(WireError) -> String {
    if unsafe data.len == 0 { return "" }
    let bytes = unsafe UnsafeBufferPointer(start: data.data, count: data.len)
    do {
      // A third of what `String(validating:as:)` costs, which looks its types up at every call.
      return String(copying: try UTF8Span(validating: unsafe bytes.span))
    } catch {
      throw Self.invalidUTF8(field)
    }
  }

  /// The bytes of a bytes field.
  @unsafe package func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: data.data, count: data.len))
  }

  /// All texts of a repeated string field.
  @unsafe package func strings(
    _ values: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int, _ field: StaticString
  ) throws(WireError) -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(count)
    for index in 0..<count {
      if let value = unsafe values?[index] { texts.append(try unsafe string(value, field)) }
    }
    return texts
  }

  /// All values of a repeated bytes field.
  @unsafe package func blobs(
    _ values: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int
  ) -> [[UInt8]] {
    unsafe UnsafeBufferPointer(start: values, count: count).map { unsafe bytes($0) }
  }

  /// All numbers of a repeated field.
  @inlinable
  @unsafe package func scalars<C: BitwiseCopyable>(
    _ values: UnsafeMutablePointer<C>?, _ count: Int
  ) -> [C] {
    unsafe Array(UnsafeBufferPointer(start: values, count: count))
  }

  /// All values of a repeated field as `body` makes them.
  @inlinable
  @unsafe package func values<C, S>(
    _ values: UnsafeMutablePointer<C>?, _ count: Int, _ body: (C) -> S
  ) -> [S] {
    unsafe UnsafeBufferPointer(start: values, count: count).map(body)
  }

  /// All messages of a repeated field; their memory in Swift counts against the bound.
  @inlinable
  @unsafe package func messages<S: WireStruct, C>(
    _ values: UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, _ count: Int, _ name: StaticString
  ) throws(WireError) -> [S] {
    try charge(count, stride: MemoryLayout<S>.stride, name)
    var messages: [S] = []
    messages.reserveCapacity(count)
    for index in 0..<count {
      if let message = unsafe values?[index] {
        messages.append(try unsafe S(wire: message, in: self))
      }
    }
    return messages
  }

  /// The message of a field, or nil when it is absent.
  @inlinable
  @unsafe package func message<S: WireStruct, C>(
    _ value: UnsafeMutablePointer<C>?
  ) throws(WireError) -> S? {
    guard let value = unsafe value else { return nil }
    return try unsafe S(wire: value, in: self)
  }

  private static func invalidUTF8(_ field: StaticString) -> WireError {
    let path = field.description
    let name = path.split(separator: ".").dropLast().joined(separator: ".")
    return WireError(.invalidUTF8(field: path), messageName: name)
  }
}

extension WireArena {
  /// The bytes as protobuf-c takes them.
  @unsafe package func start(of bytes: UnsafeRawBufferPointer) -> UnsafePointer<UInt8>? {
    unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}

/// The bytes of a generated C array.
@unsafe package func wireBytes(
  _ array: (UnsafeMutablePointer<Int>) -> UnsafePointer<UInt8>
) -> [UInt8] {
  var count = 0
  let start = unsafe array(&count)
  return unsafe Array(UnsafeBufferPointer(start: start, count: count))
}
