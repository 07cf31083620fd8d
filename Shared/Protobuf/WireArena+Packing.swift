package import CProtobufC

// How generated code puts Swift's values into protobuf-c's structs.
extension WireArena {
  /// Room for `count` of what the caller's pointer points to.
  @inlinable
  @unsafe package func array<C>(_ count: Int) -> UnsafeMutablePointer<C> {
    unsafe allocate(count * MemoryLayout<C>.stride).bindMemory(to: C.self, capacity: count)
  }

  /// A copy of the text's UTF-8.
  @unsafe package func data(_ text: String) -> ProtobufCBinaryData {
    var text = text
    return text.withUTF8 { unsafe data(UnsafeRawBufferPointer($0)) }
  }

  /// A copy of the bytes.
  @unsafe package func data(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    unsafe bytes.withUnsafeBytes { unsafe data($0) }
  }

  private func data(_ bytes: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
    let copy = unsafe allocate(bytes.count)
    if let source = bytes.baseAddress {
      unsafe copy.copyMemory(from: source, byteCount: bytes.count)
    }
    return unsafe ProtobufCBinaryData(
      len: bytes.count, data: copy.assumingMemoryBound(to: UInt8.self))
  }

  /// Copies of all texts, or nil for none.
  @unsafe package func strings(_ texts: [String]) -> UnsafeMutablePointer<ProtobufCBinaryData>? {
    unsafe values(texts) { unsafe data($0) }
  }

  /// Copies of all byte strings, or nil for none.
  @unsafe package func blobs(_ blobs: [[UInt8]]) -> UnsafeMutablePointer<ProtobufCBinaryData>? {
    unsafe values(blobs) { unsafe data($0) }
  }

  /// The numbers as they are, or nil for none.
  @inlinable
  @unsafe package func scalars<C: BitwiseCopyable>(_ values: [C]) -> UnsafeMutablePointer<C>? {
    if values.isEmpty { return nil }
    let copy: UnsafeMutablePointer<C> = unsafe array(values.count)
    unsafe values.withUnsafeBufferPointer { source in
      if let first = source.baseAddress {
        unsafe copy.initialize(from: first, count: source.count)
      }
    }
    return unsafe copy
  }

  /// Each value as `body` makes it, or nil for none.
  @inlinable
  @unsafe package func values<S, C>(
    _ values: [S], _ body: (S) -> C
  ) -> UnsafeMutablePointer<C>? {
    if values.isEmpty { return nil }
    let copy: UnsafeMutablePointer<C> = unsafe array(values.count)
    for index in values.indices {
      unsafe (copy + index).initialize(to: body(values[index]))
    }
    return unsafe copy
  }

  /// Pointers to the structs of all messages, or nil for none.
  @inlinable
  @unsafe package func messages<S: WireStruct, C>(
    _ messages: [S]
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<C>?>? {
    unsafe values(messages) { unsafe $0.wire(in: self).assumingMemoryBound(to: C.self) }
  }

  /// A pointer to the struct of one message, of the type that the place for it has.
  @inlinable
  @unsafe package func message<S: WireStruct, C>(_ message: S) -> UnsafeMutablePointer<C>? {
    unsafe message.wire(in: self).assumingMemoryBound(to: C.self)
  }

  /// The struct of a message that is being packed.
  @inlinable
  @unsafe package func new<C>(
    _ initialize: (UnsafeMutablePointer<C>?) -> Void
  ) -> UnsafeMutablePointer<C> {
    let message: UnsafeMutablePointer<C> = unsafe array(1)
    unsafe initialize(message)
    return unsafe message
  }
}
