/// A number's one spelling among all that are equal to it as decimals: `1.0`, `1e0`, `10e-1` and
/// `1` are `1`.
///
/// A whole number of at most `plainDigitsMax` digits is written out (`1e2` is `100`), any other as
/// its digits, without zeros at either end, and a power of ten (`0.25` is `25e-2`). Nothing is
/// rounded and no exponent is too large. Zero keeps its sign, which readers of doubles see.
enum CanonicalNumber {
  static let plainDigitsMax = 40

  /// Appends the canonical spelling of a number that is known to be JSON.
  static func append(_ range: Range<Int>, of bytes: JSONBytes, to text: inout [UInt8]) {
    var place = range.lowerBound
    if bytes[place] == UInt8(ascii: "-") {
      text.append(UInt8(ascii: "-"))
      place += 1
    }
    let rest = place..<range.upperBound
    let isPlain =
      rest.count <= plainDigitsMax && rest.allSatisfy { bytes[$0] &- UInt8(ascii: "0") < 10 }
    if isPlain {
      bytes.append(rest, to: &text)
    } else if let short = ShortDecimal(rest, of: bytes) {
      short.append(to: &text)
    } else {
      appendParts(rest, of: bytes, to: &text)
    }
  }

  private static func appendParts(
    _ range: Range<Int>, of bytes: JSONBytes, to text: inout [UInt8]
  ) {
    var digits: [UInt8] = []
    var fraction: Int?
    var place = range.lowerBound
    while place < range.upperBound, bytes[place] | 0x20 != UInt8(ascii: "e") {
      if bytes[place] == UInt8(ascii: ".") {
        fraction = digits.count
      } else {
        digits.append(bytes[place])
      }
      place += 1
    }
    var exponent = DecimalInteger(-(digits.count - (fraction ?? digits.count)))
    if place < range.upperBound {
      exponent.add(DecimalInteger(reading: place + 1..<range.upperBound, of: bytes))
    }
    let significant = digits.drop { $0 == UInt8(ascii: "0") }
    guard let last = significant.lastIndex(where: { $0 != UInt8(ascii: "0") }) else {
      return text.append(UInt8(ascii: "0"))
    }
    exponent.add(DecimalInteger(digits.count - 1 - last))
    write(significant[...last], exponent, to: &text)
  }

  private static func write(
    _ digits: ArraySlice<UInt8>, _ exponent: DecimalInteger, to text: inout [UInt8]
  ) {
    text.append(contentsOf: digits)
    if let zeros = exponent.small, zeros >= 0, digits.count + zeros <= plainDigitsMax {
      text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: zeros))
    } else if exponent.small != 0 {
      text.append(UInt8(ascii: "e"))
      text.append(contentsOf: exponent.text)
    }
  }
}

/// What nearly every number is: few enough digits for a machine word.
private struct ShortDecimal {
  private var digits: UInt64 = 0
  private var exponent = 0

  private static let bytesMax = 18
  private static let exponentMax = 10_000

  /// Nil when it is longer.
  init?(_ range: Range<Int>, of bytes: JSONBytes) {
    guard range.count <= Self.bytesMax else { return nil }
    var place = range.lowerBound
    var isFraction = false
    while place < range.upperBound, bytes[place] | 0x20 != UInt8(ascii: "e") {
      if bytes[place] == UInt8(ascii: ".") {
        isFraction = true
      } else {
        digits = digits * 10 + UInt64(bytes[place] &- UInt8(ascii: "0"))
        if isFraction { exponent -= 1 }
      }
      place += 1
    }
    if place < range.upperBound {
      place += 1
      let isNegative = bytes[place] == UInt8(ascii: "-")
      if isNegative || bytes[place] == UInt8(ascii: "+") { place += 1 }
      var written = 0
      for place in place..<range.upperBound {
        written = written * 10 + Int(bytes[place] &- UInt8(ascii: "0"))
        guard written <= Self.exponentMax else { return nil }
      }
      exponent += isNegative ? -written : written
    }
    while digits > 0, digits % 10 == 0 {
      digits /= 10
      exponent += 1
    }
  }

  func append(to text: inout [UInt8]) {
    let start = text.count
    var rest = digits
    repeat {
      text.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    text[start...].reverse()
    guard digits > 0 else { return }
    let count = text.count - start
    if exponent >= 0, count + exponent <= CanonicalNumber.plainDigitsMax {
      text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: exponent))
    } else {
      text.append(UInt8(ascii: "e"))
      text.append(contentsOf: DecimalInteger(exponent).text)
    }
  }
}

/// A whole number of any size, for exponents that no Int holds.
private struct DecimalInteger {
  private var isNegative: Bool
  /// The lowest first, without zeros at the end; none for 0.
  private var digits: [UInt8]

  init(_ value: Int) {
    isNegative = value < 0
    digits = []
    var rest = value.magnitude
    while rest > 0 {
      digits.append(UInt8(rest % 10))
      rest /= 10
    }
  }

  /// Digits with or without a sign before them.
  init(reading range: Range<Int>, of bytes: JSONBytes) {
    isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
    digits = range.reversed().map { bytes[$0] &- UInt8(ascii: "0") }.filter { $0 < 10 }
    trim()
  }

  private mutating func trim() {
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { isNegative = false }
  }

  /// The value when it has few digits.
  var small: Int? {
    guard digits.count <= 17 else { return nil }
    let magnitude = digits.reversed().reduce(0) { $0 * 10 + Int($1) }
    return isNegative ? -magnitude : magnitude
  }

  var text: [UInt8] {
    let sign = isNegative ? [UInt8(ascii: "-")] : []
    return sign + digits.reversed().map { $0 + UInt8(ascii: "0") }
  }

  mutating func add(_ other: DecimalInteger) {
    if isNegative == other.isNegative {
      digits = Self.sum(digits, other.digits)
    } else if Self.precedes(digits, other.digits) {
      digits = Self.difference(other.digits, digits)
      isNegative = other.isNegative
    } else {
      digits = Self.difference(digits, other.digits)
    }
    trim()
  }

  private static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count
      ? left.reversed().lexicographicallyPrecedes(right.reversed()) : left.count < right.count
  }

  private static func sum(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    var carry: UInt8 = 0
    var sum: [UInt8] = []
    for place in 0..<max(left.count, right.count) {
      let total =
        (place < left.count ? left[place] : 0) + (place < right.count ? right[place] : 0) + carry
      sum.append(total % 10)
      carry = total / 10
    }
    return carry == 0 ? sum : sum + [carry]
  }

  /// `left` is not smaller.
  private static func difference(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    var borrow: UInt8 = 0
    return left.indices.map { place in
      let taken = (place < right.count ? right[place] : 0) + borrow
      borrow = left[place] < taken ? 1 : 0
      return left[place] + 10 * borrow - taken
    }
  }
}
