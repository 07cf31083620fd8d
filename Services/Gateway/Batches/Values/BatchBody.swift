package import GatewayProviders
import JSON

/// What is sent to a provider for a batch, as its requests are read one after another.
///
/// Each goes by its key instead of its custom id, so that a batch can be told from every other
/// when its answer was lost; bodies stay as they are.
package struct BatchBody: Sendable {
  private let dialect: Dialect
  private var written: [UInt8] = []
  private var count = 0

  package init(_ dialect: Dialect) {
    self.dialect = dialect
    if dialect == .anthropicMessages { written = Array(#"{"requests":["#.utf8) }
  }

  package mutating func add(_ key: String, _ body: [UInt8]) {
    if dialect == .anthropicMessages {
      if count > 0 { written.append(UInt8(ascii: ",")) }
      written += #"{"custom_id":"\#(key)","params":"#.utf8
      written += body
      written.append(UInt8(ascii: "}"))
    } else {
      written += #"{"custom_id":"\#(key)","method":"POST","url":"\#(dialect.path)","body":"#.utf8
      // A body may have been written over several lines; here a line is a request.
      written += body.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
      written += "}\n".utf8
    }
    count += 1
  }

  package consuming func bytes() -> [UInt8] {
    if dialect == .anthropicMessages { written += "]}".utf8 }
    return written
  }
}
