package import EventLoop
import Faults
import GRPCFormat
package import MeshAddressing
package import Protobuf
import RPCStream

/// How a channel is set up.
package struct ChannelOptions: Sendable {
  package var limits = ChannelLimits()
  package var interceptors: [any ClientInterceptor] = []
  package var connector = Connector.sockets
  package var authority = "assay"

  package init() {}
}

/// What a channel knows of its replicas.
package struct ChannelSummary: Equatable, Sendable {
  package let target: String
  package let replicas: Int
  package let ready: Int
  package let lastFailure: String?
}

/// Calls one service, on whichever of its replicas is least loaded.
///
/// It connects at the first call, reconnects with backoff, follows replicas as they come and go.
/// Calls from tasks on its own loop never change threads; calls from elsewhere hop.
package final class Channel: Sendable {
  let core: ChannelCore

  package init(
    to target: MeshAddress, on loop: EventLoop, options: ChannelOptions = ChannelOptions()
  ) {
    self.core = ChannelCore(loop: loop, target: target, options: options)
  }

  deinit {
    let core = core
    core.loop.execute { core.shutDown() }
  }

  package var target: MeshAddress { core.target }

  /// Ends every call and closes every connection.
  package func shutDown() async {
    let core = core
    try? await core.loop.perform { core.shutDown() }
  }

  /// Starts connecting without a call.
  package func connect() {
    let core = core
    core.loop.execute { core.startIfNeeded() }
  }

  package func summary() async -> ChannelSummary? {
    let core = core
    return try? await core.loop.perform { core.summary }
  }

  private func stream(
    _ method: MethodDescriptor, _ options: CallOptions, request: [UInt8]?,
    _ sink: any ResponseSink
  ) -> ClientStream {
    var options = options
    for interceptor in core.options.interceptors { interceptor.willCall(method, &options) }
    return ClientStream(method, options, request: request, sink: sink, channel: core)
  }

  private func framed(_ message: some WireMessage, _ options: CallOptions) throws -> [UInt8] {
    if options.isCompressed { return try MessageCompression.frame(message) }
    var bytes: [UInt8] = []
    let start = MessagePrefix.reserve(in: &bytes)
    message.appendPacked(to: &bytes)
    MessagePrefix.fill(&bytes, at: start)
    return bytes
  }

  // MARK: The four kinds

  package func unary<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor, _ request: Q, options: CallOptions
  ) async throws -> A {
    let sink = SingleResponseSink<A>()
    return try await exchange(method, request, options, sink)
  }

  /// A unary call with the metadata that came with its answer.
  package func unaryReply<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor, _ request: Q, options: CallOptions
  ) async throws -> Reply<A> {
    let sink = SingleResponseSink<A>()
    let answer = try await exchange(method, request, options, sink)
    return Reply(
      message: answer, initialMetadata: sink.initialMetadata,
      trailingMetadata: sink.trailingMetadata)
  }

  private func exchange<A: WireMessage>(
    _ method: MethodDescriptor, _ request: some WireMessage, _ options: CallOptions,
    _ sink: SingleResponseSink<A>
  ) async throws -> A {
    let stream = stream(method, options, request: try framed(request, options), sink)
    return try await withTaskCancellationHandler {
      stream.start()
      return try await sink.result()
    } onCancel: {
      stream.cancel()
    }
  }

  /// One request, many answers; a call that cannot begin fails at the first read.
  package func serverStreaming<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor, _ request: Q, options: CallOptions
  ) -> ResponseStream<A> {
    let sink = StreamedResponseSink<A>()
    do {
      let stream = stream(method, options, request: try framed(request, options), sink)
      sink.queue.onCredit { [weak stream] in stream?.credit($0) }
      stream.start()
      return ResponseStream(sink: sink, call: CallToken(stream))
    } catch {
      sink.finished(Fault(describing: error), trailing: Metadata())
      return ResponseStream(sink: sink, call: nil)
    }
  }

  /// Many requests, then one answer.
  package func clientStreaming<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor, options: CallOptions
  ) -> ClientStreamingCall<Q, A> {
    let sink = SingleResponseSink<A>()
    let stream = stream(method, options, request: nil, sink)
    stream.start()
    return ClientStreamingCall(sender: RequestSender(stream), sink: sink)
  }

  /// Many both ways; nothing is sent until `send`.
  package func bidirectional<Q: WireMessage, A: WireMessage>(
    _ method: MethodDescriptor, options: CallOptions
  ) -> BidirectionalCall<Q, A> {
    let sink = StreamedResponseSink<A>()
    let stream = stream(method, options, request: nil, sink)
    sink.queue.onCredit { [weak stream] in stream?.credit($0) }
    stream.start()
    let sender = RequestSender<Q>(stream)
    return BidirectionalCall(
      sender: sender, responses: ResponseStream(sink: sink, call: sender.token))
  }
}
