package import GRPCFormat
package import Protobuf

/// The answer of a unary call with its metadata.
package struct Reply<Answer: WireMessage>: Sendable {
  package let message: Answer
  package let initialMetadata: Metadata
  package let trailingMetadata: Metadata
}
