package import Faults

/// Something that stands around every call of a channel: add metadata, measure.
package protocol ClientInterceptor: Sendable {
  /// Before the first attempt; may add metadata or shorten the timeout.
  func willCall(_ method: MethodDescriptor, _ options: inout CallOptions)
  /// After the last attempt.
  func didFinish(_ method: MethodDescriptor, _ fault: Fault?, nanoseconds: UInt64)
}
