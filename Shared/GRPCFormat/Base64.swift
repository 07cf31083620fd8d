/// Base64 as gRPC uses it: written without padding unless it is asked for, read with or without.
package enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xff, count: 256)
    for (index, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(index) }
    return table
  }()

  /// Without padding, as gRPC writes it, or with it, as others do.
  package static func encode(
    _ bytes: some Collection<UInt8>, isPadded: Bool = false
  ) -> [UInt8] {
    let digits = (bytes.count * 4 + 2) / 3
    let count = isPadded ? (bytes.count + 2) / 3 * 4 : digits
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { out, filled in
      let encoded: Void? = bytes.withContiguousStorageIfAvailable {
        unsafe encode($0, into: out)
      }
      if encoded == nil {
        unsafe Array(bytes).withUnsafeBufferPointer { unsafe encode($0, into: out) }
      }
      for place in digits..<max(digits, count) { unsafe out[place] = UInt8(ascii: "=") }
      filled = count
    }
  }

  /// Documents of many megabytes go through here: three bytes at a time, and no checks between.
  private static func encode(
    _ bytes: UnsafeBufferPointer<UInt8>, into out: UnsafeMutableBufferPointer<UInt8>
  ) {
    unsafe alphabet.withUnsafeBufferPointer { alphabet in
      var place = 0
      var next = 0
      while place + 2 < bytes.count {
        let high = unsafe Int(bytes[place]) << 16 | Int(bytes[place + 1]) << 8
        let bits = unsafe high | Int(bytes[place + 2])
        unsafe out[next] = alphabet[bits >> 18]
        unsafe out[next + 1] = alphabet[bits >> 12 & 63]
        unsafe out[next + 2] = alphabet[bits >> 6 & 63]
        unsafe out[next + 3] = alphabet[bits & 63]
        place += 3
        next += 4
      }
      guard place < bytes.count else { return }
      let isPair = place + 1 < bytes.count
      let bits = unsafe Int(bytes[place]) << 16 | (isPair ? Int(bytes[place + 1]) << 8 : 0)
      unsafe out[next] = alphabet[bits >> 18]
      unsafe out[next + 1] = alphabet[bits >> 12 & 63]
      if isPair { unsafe out[next + 2] = alphabet[bits >> 6 & 63] }
    }
  }

  /// Nil for a byte outside the alphabet, a wrong length or wrong padding.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    let pad = UInt8(ascii: "=")
    let digits = text.prefix { $0 != pad }
    let padding = text.count - digits.count
    guard padding <= 2, padding == 0 || text.count % 4 == 0, digits.count % 4 != 1,
      text.dropFirst(digits.count).allSatisfy({ $0 == pad })
    else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count * 3 / 4)
    var bits: UInt32 = 0
    var held = 0
    for digit in digits {
      let value = values[Int(digit)]
      guard value != 0xff else { return nil }
      bits = bits << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    return out
  }
}
