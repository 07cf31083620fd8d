package import GRPCFormat
package import HTTP2

/// The headers that open a response.
package enum ResponseHead {
  private static let plain: HeaderBlock = {
    var block = HeaderBlock()
    block.append(":status", "200")
    block.append("content-type", "application/grpc")
    return block
  }()

  /// With the handler's own metadata, and the encoding when messages may be compressed.
  package static func block(metadata: Metadata, isGzip: Bool) -> HeaderBlock {
    guard isGzip || !metadata.isEmpty else { return plain }
    var block = plain
    if isGzip { block.append("grpc-encoding", "gzip") }
    block.append(metadata)
    return block
  }
}

extension HeaderBlock {
  package mutating func append(_ metadata: Metadata) {
    for entry in metadata.entries { append(entry.name, Metadata.wireValue(of: entry)) }
  }
}
