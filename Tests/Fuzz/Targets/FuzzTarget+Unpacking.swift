import Protobuf
import TestingContract

extension FuzzTarget {
  /// The message with every feature, by the check that its own tests use.
  func fuzzFeatures(_ input: RawSpan) throws(FuzzFinding) {
    do throws(UnpackingFinding) {
      try UnpackingCheck.run(input)
    } catch {
      throw FuzzFinding(error.description)
    }
  }

  /// What unpacks must pack, unpack and pack to the same bytes.
  ///
  /// Bytes are compared, not values: a NaN is not equal to itself.
  func fuzzUnpacking(_ input: RawSpan) throws(FuzzFinding) {
    try repack(SimpleRequest.self, input)
    try repack(StreamingOutputCallRequest.self, input)
  }

  private func repack<M: WireMessage>(_ type: M.Type, _ input: RawSpan) throws(FuzzFinding) {
    guard let message = try? M(unpacking: input) else { return }
    var packed: [UInt8] = []
    message.appendPacked(to: &packed)
    let again: M
    do throws(WireError) {
      again = try M(unpacking: unsafe packed.span.bytes)
    } catch {
      throw FuzzFinding("\(M.self) packs to what it refuses: \(error)")
    }
    var repacked: [UInt8] = []
    again.appendPacked(to: &repacked)
    try require(packed == repacked, "\(M.self) packs to \(packed), then to \(repacked)")
  }
}
