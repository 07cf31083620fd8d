import Descriptors

/// What assay/options/v1/options.proto says of a method.
struct MethodRules {
  /// The number of the method option.
  static let optionNumber: Int32 = 50719

  private(set) var callers: [String] = []
  private(set) var requestBytesMax: UInt64 = 0
  private(set) var responseBytesMax: UInt64 = 0

  init(_ method: MethodSchema) throws {
    var reader = WireReader(method.options.bytes(Self.optionNumber) ?? [])
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): callers.append(String(decoding: value, as: UTF8.self))
      case (2, .varint(let value)): requestBytesMax = value
      case (3, .varint(let value)): responseBytesMax = value
      default: break
      }
    }
  }
}
