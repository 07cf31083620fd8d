/// A piece of Swift source: words, numbers, literals and symbols, each with where it stands.
struct Token: Equatable, Sendable {
  enum Kind: Sendable { case word, number, string, symbol }

  let kind: Kind
  /// The source text; empty for string literals, whose content is nobody's business here.
  let text: String
  let line: Int
  /// White space, a comment or the file's start stands before it.
  let isSpaced: Bool
}

/// A comment as written, with the line it starts and the line it ends on.
struct SourceComment: Equatable, Sendable {
  let text: String
  let line: Int
  let lastLine: Int
}

/// Cuts Swift source into tokens and comments. It knows nested comments, raw and multi-line
/// strings and the code inside interpolations; it does not know bare-slash regular expressions.
struct SwiftLexer {
  private(set) var tokens: [Token] = []
  private(set) var comments: [SourceComment] = []
  private let bytes: [UInt8]
  private var at = 0
  private var line = 1
  private var isSpaced = true

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    readCode(insideInterpolation: false)
  }

  private func byte(_ offset: Int = 0) -> UInt8 {
    let index = at + offset
    return index < bytes.count ? bytes[index] : 0
  }

  private var isLineCommentStart: Bool { isPair("/", "/") }
  private var isBlockCommentStart: Bool { isPair("/", "*") }

  private func isPair(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Bool {
    byte() == UInt8(ascii: first) && byte(1) == UInt8(ascii: second)
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where at < bytes.count {
      if bytes[at] == UInt8(ascii: "\n") { line += 1 }
      at += 1
    }
  }

  private mutating func emit(_ kind: Token.Kind, from start: Int, line: Int) {
    let text = kind == .string ? "" : String(decoding: bytes[start..<at], as: UTF8.self)
    tokens.append(Token(kind: kind, text: text, line: line, isSpaced: isSpaced))
    isSpaced = false
  }

  private mutating func readCode(insideInterpolation: Bool) {
    var depth = 0
    while at < bytes.count {
      let start = at
      let startLine = line
      let first = byte()
      if Self.isSpace(first) {
        advance()
        isSpaced = true
      } else if isLineCommentStart || isBlockCommentStart {
        readComment()
      } else if first == UInt8(ascii: "\"") || isRawStringStart {
        readString()
      } else if Self.isWordStart(first) {
        while Self.isWordPart(byte()), at < bytes.count { advance() }
        emit(.word, from: start, line: startLine)
      } else if first == UInt8(ascii: "`") {
        advance()
        while byte() != UInt8(ascii: "`"), at < bytes.count { advance() }
        advance()
        emit(.word, from: start, line: startLine)
      } else if Self.isDigit(first) {
        readNumber()
      } else if Self.isOperator(first) {
        while Self.isOperator(byte()), !isLineCommentStart, !isBlockCommentStart { advance() }
        emit(.symbol, from: start, line: startLine)
      } else {
        if first == UInt8(ascii: "(") { depth += 1 }
        if first == UInt8(ascii: ")") { depth -= 1 }
        advance()
        if insideInterpolation, depth < 0 { return }
        emit(.symbol, from: start, line: startLine)
      }
    }
  }

  private mutating func readComment() {
    let start = at
    let startLine = line
    if isLineCommentStart {
      while at < bytes.count, byte() != UInt8(ascii: "\n") { advance() }
    } else {
      var depth = 0
      repeat {
        if isBlockCommentStart {
          depth += 1
          advance(2)
        } else if isPair("*", "/") {
          depth -= 1
          advance(2)
        } else {
          advance()
        }
      } while depth > 0 && at < bytes.count
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    comments.append(SourceComment(text: text, line: startLine, lastLine: line))
    isSpaced = true
  }

  private var isRawStringStart: Bool {
    var offset = 0
    while byte(offset) == UInt8(ascii: "#") { offset += 1 }
    return offset > 0 && byte(offset) == UInt8(ascii: "\"")
  }

  private mutating func readString() {
    let startLine = line
    let spaced = isSpaced
    var hashes = 0
    while byte() == UInt8(ascii: "#") {
      hashes += 1
      advance()
    }
    let quotes = isPair("\"", "\"") && byte(2) == UInt8(ascii: "\"") ? 3 : 1
    advance(quotes)
    while at < bytes.count, !isStringEnd(quotes: quotes, hashes: hashes) {
      guard byte() == UInt8(ascii: "\\"), hasHashes(hashes, at: 1) else {
        advance()
        continue
      }
      advance(1 + hashes)
      let isInterpolation = byte() == UInt8(ascii: "(")
      advance()
      if isInterpolation { readCode(insideInterpolation: true) }
    }
    advance(quotes + hashes)
    tokens.append(Token(kind: .string, text: "", line: startLine, isSpaced: spaced))
    isSpaced = false
  }

  private func isStringEnd(quotes: Int, hashes: Int) -> Bool {
    for offset in 0..<quotes where byte(offset) != UInt8(ascii: "\"") { return false }
    return hasHashes(hashes, at: quotes)
  }

  private func hasHashes(_ count: Int, at offset: Int) -> Bool {
    for index in 0..<count where byte(offset + index) != UInt8(ascii: "#") { return false }
    return true
  }

  private mutating func readNumber() {
    let start = at
    let isMember = tokens.last?.text == "."
    while Self.isWordPart(byte())
      || (byte() == UInt8(ascii: ".") && !isMember && Self.isDigit(byte(1)))
    {
      advance()
    }
    emit(.number, from: start, line: line)
  }
}

extension SwiftLexer {
  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (9...13).contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isWordStart(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || byte >= 0x80
  }

  private static func isWordPart(_ byte: UInt8) -> Bool { isWordStart(byte) || isDigit(byte) }

  private static func isOperator(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "!"), UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "<"),
      UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "^"),
      UInt8(ascii: "~"), UInt8(ascii: "?"):
      true
    default: false
    }
  }
}
