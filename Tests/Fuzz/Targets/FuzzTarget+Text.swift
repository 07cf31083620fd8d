import GRPCFormat
import Gzip
import JSON

extension FuzzTarget {
  /// What reads as JSON is written as JSON that reads the same, plain and pretty.
  func fuzzJSON(_ input: RawSpan) throws(FuzzFinding) {
    guard let value = try? JSONValue(parsing: input) else { return }
    for pretty in [false, true] {
      let bytes = value.bytes(pretty: pretty)
      let again = try? JSONValue(parsing: bytes)
      try require(
        again == value, "it reads \(value), and \(String(describing: again)) once written")
    }
  }

  /// What comes out of gzip goes in again; never more than was allowed comes out.
  func fuzzGzip(_ input: RawSpan) throws(FuzzFinding) {
    let limit = 1 << 20
    if let plain = try? Gzip.decompress(input, limit: limit) {
      try require(plain.count <= limit, "\(plain.count) bytes came out")
      let again = try? Gzip.decompress(Gzip.compress(plain), limit: limit)
      try require(again == plain, "\(plain.count) bytes change when they are compressed")
    }
    let bytes = [UInt8](copying: input)
    let back = try? Gzip.decompress(Gzip.compress(bytes), limit: bytes.count)
    try require(back == bytes, "\(bytes.count) bytes change when they are compressed")
  }
}
