import CNGHTTP2

/// Header fields in order, in one flat buffer: a block costs two arrays however many fields it has.
package struct HeaderBlock: Sendable {
  struct Field: Sendable {
    var name: Range<Int>
    var value: Range<Int>
  }

  var bytes: [UInt8] = []
  var fields: [Field] = []
  /// More came than `HTTP2Limits` allows; what was kept is the beginning.
  package internal(set) var overflowed = false
  /// RFC 9113's size of the list.
  package private(set) var listBytes = 0

  package init() {}

  package var count: Int { fields.count }

  package mutating func append(_ name: String, _ value: String) {
    append(name.utf8, value.utf8)
  }

  package mutating func append(_ name: String, _ value: [UInt8]) {
    append(name.utf8, value)
  }

  /// Appends what a peer sent, within the limits; one call, so that the holder is entered once.
  mutating func take(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ limits: HTTP2Limits
  ) {
    if !overflowed, listBytes + name.count + value.count + 32 <= limits.headerListBytesMax,
      fields.count < limits.headerFieldsMax
    {
      let start = bytes.count
      bytes.append(addingCapacity: name.count + value.count) { room in
        unsafe room.withUnsafeMutableBufferPointer { buffer, filled in
          let free = unsafe UnsafeMutableRawBufferPointer(
            UnsafeMutableBufferPointer(rebasing: buffer[filled...]))
          unsafe free.copyMemory(from: name)
          let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: free[name.count...])
          unsafe rest.copyMemory(from: value)
          filled += name.count + value.count
        }
      }
      let middle = start + name.count
      fields.append(Field(name: start..<middle, value: middle..<bytes.count))
      listBytes += bytes.count - start + 32
    } else {
      overflowed = true
    }
  }

  mutating func append(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
    let start = bytes.count
    bytes.append(contentsOf: name)
    let middle = bytes.count
    bytes.append(contentsOf: value)
    fields.append(Field(name: start..<middle, value: middle..<bytes.count))
    listBytes += bytes.count - start + 32
  }

  /// Empties the block and keeps its memory.
  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    overflowed = false
    listBytes = 0
  }

  /// Lends each field in order; the spans die with the call.
  package func forEach(_ body: (_ name: RawSpan, _ value: RawSpan) -> Void) {
    let all = unsafe bytes.span.bytes
    for field in fields {
      body(all.extracting(field.name), all.extracting(field.value))
    }
  }

  /// Lends the fields as nghttp2 wants them; it copies them before it returns.
  func withFields<R>(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> R) -> R {
    unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count) { out in
        for (index, field) in fields.enumerated() {
          let base = unsafe UnsafeMutablePointer(mutating: bytes.baseAddress)
          unsafe out.initializeElement(
            at: index,
            to: nghttp2_nv(
              name: base.map { unsafe $0 + field.name.lowerBound },
              value: base.map { unsafe $0 + field.value.lowerBound },
              namelen: field.name.count, valuelen: field.value.count,
              flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
        }
        return unsafe body(UnsafeBufferPointer(rebasing: out[..<fields.count]))
      }
    }
  }
}
