import EventLoop
import Faults
import GRPCFormat
import HTTP2
import MeshAddressing
import RPCStream

/// What one channel holds on its loop: replicas, waiting calls, the retry budget.
///
/// `@unchecked Sendable`: options never change; everything else is touched on `loop` alone.
final class ChannelCore: @unchecked Sendable {
  let loop: EventLoop
  let target: MeshAddress
  let options: ChannelOptions

  // Loop only.
  private var subchannels: [SocketAddress: Subchannel] = [:]
  private var ready: [Subchannel] = []
  private var waiting: [ClientStream] = []
  /// Connections that finish their calls but take no new ones.
  private var leaving: [ObjectIdentifier: ClientConnection] = [:]
  private var resolver: (any Resolver)?
  private var budget = RetryBudget()
  private var heads: [String: HeaderBlock] = [:]
  private var lastHead: (method: MethodDescriptor, block: HeaderBlock)?
  private var isShutDown = false
  private var hasStarted = false
  private(set) var activeCalls = 0

  init(loop: EventLoop, target: MeshAddress, options: ChannelOptions) {
    self.loop = loop
    self.target = target
    self.options = options
  }

  // MARK: Calls

  /// Opens the call on a replica, or lets it wait for one.
  func place(_ stream: ClientStream) {
    startIfNeeded()
    guard !isShutDown else {
      return stream.end(
        Fault(.unavailable, reason: "CHANNEL_CLOSED", "The channel to \(target) was shut down."))
    }
    if let connection = pick() {
      return connection.open(stream, headers(for: stream))
    }
    guard waiting.count < options.limits.waitingCallsMax else {
      return stream.end(
        Fault(
          .resourceExhausted, reason: "TOO_MANY_WAITING",
          "Too many calls wait for a connection to \(target).", facts: ["limit": "waiting_calls"]))
    }
    waiting.append(stream)
    stream.startWaiting { [weak self] stream in self?.giveUp(stream) }
  }

  /// The less loaded of two replicas picked at random.
  private func pick() -> ClientConnection? {
    guard ready.count > 1 else { return ready.first?.connection }
    let first = Int.random(in: 0..<ready.count)
    var second = Int.random(in: 0..<(ready.count - 1))
    if second >= first { second += 1 }
    guard let one = ready[first].connection, let other = ready[second].connection else {
      return nil
    }
    return one.activeCalls <= other.activeCalls ? one : other
  }

  private func giveUp(_ stream: ClientStream) {
    guard stream.isWaiting else { return }
    waiting.removeAll { $0 === stream }
    stream.end(unreachable())
  }

  private func unreachable() -> Fault {
    let failures = subchannels.values.compactMap(\.lastFailure)
    let why =
      failures.first
      ?? (subchannels.isEmpty ? "no replica is listed" : "no replica has answered yet")
    return Fault(
      .unavailable, reason: "UNREACHABLE", "No replica of \(target) can be reached: \(why).",
      retryAfter: .seconds(1), hint: "Is the service running? `assay ps` shows the mesh.",
      facts: ["address": target.description])
  }

  /// What all calls of a method begin with; the one that was called last is not looked up.
  private func head(of method: MethodDescriptor) -> HeaderBlock {
    if let lastHead, lastHead.method === method { return lastHead.block }
    var block = HeaderBlock()
    if let known = heads[method.path] {
      block = known
    } else {
      block.append(":method", "POST")
      block.append(":scheme", "http")
      block.append(":path", method.path)
      block.append(":authority", options.authority)
      block.append("te", "trailers")
      block.append("content-type", "application/grpc")
      block.append("user-agent", "assay")
      block.append("grpc-accept-encoding", "identity,gzip")
      heads[method.path] = block
    }
    lastHead = (method, block)
    return block
  }

  private func headers(for stream: ClientStream) -> HeaderBlock {
    var block = head(of: stream.method)
    if let deadline = stream.deadlineNanoseconds {
      let now = loop.nowNanoseconds
      block.append(
        "grpc-timeout", GRPCTimeout.text(nanoseconds: deadline > now ? deadline - now : 1))
    }
    if stream.options.isCompressed { block.append("grpc-encoding", "gzip") }
    block.append(stream.options.metadata)
    return block
  }

  func noteCall() {
    activeCalls += 1
    budget.noteCall()
  }

  func takeRetry() -> Bool { budget.take() }

  func settled(_ stream: ClientStream, _ fault: Fault?) {
    activeCalls -= 1
    if !waiting.isEmpty { waiting.removeAll { $0 === stream } }
    for interceptor in options.interceptors {
      interceptor.didFinish(
        stream.method, fault, nanoseconds: loop.nowNanoseconds - stream.startedAt)
    }
  }

  // MARK: Replicas

  func startIfNeeded() {
    guard !hasStarted, !isShutDown else { return }
    hasStarted = true
    resolver = makeResolver(target, on: loop, limit: options.limits.replicasMax) {
      [weak self] addresses in self?.resolved(addresses)
    }
  }

  private func resolved(_ addresses: [SocketAddress]) {
    guard !isShutDown else { return }
    let listed = Set(addresses)
    for (address, subchannel) in subchannels where !listed.contains(address) {
      subchannels[address] = nil
      ready.removeAll { $0 === subchannel }
      if let connection = subchannel.connection { adopt(connection) }
      subchannel.retire()
    }
    for address in addresses {
      let subchannel =
        subchannels[address]
        ?? Subchannel(address, connector: options.connector, channel: self)
      subchannels[address] = subchannel
      subchannel.connectNow()
    }
  }

  func subchannelReady(_ subchannel: Subchannel) {
    if !ready.contains(where: { $0 === subchannel }) { ready.append(subchannel) }
    let streams = waiting
    waiting = []
    for stream in streams where stream.isWaiting { place(stream) }
  }

  func subchannelFailed(_ subchannel: Subchannel) {
    ready.removeAll { $0 === subchannel }
    resolver?.connectionFailed()
  }

  /// Keeps a connection that takes no new calls until its last one ends.
  func adopt(_ connection: ClientConnection) {
    leaving[ObjectIdentifier(connection)] = connection
    ready.removeAll { $0.connection === connection }
  }

  func forget(_ connection: ClientConnection) {
    leaving[ObjectIdentifier(connection)] = nil
    ready.removeAll { $0.connection === connection }
  }

  /// States of the replicas, for `waiting for whom`.
  var summary: ChannelSummary {
    ChannelSummary(
      target: target.description, replicas: subchannels.count, ready: ready.count,
      lastFailure: subchannels.values.compactMap(\.lastFailure).first)
  }

  func shutDown() {
    guard !isShutDown else { return }
    isShutDown = true
    resolver?.stop()
    resolver = nil
    for stream in waiting { stream.end(unreachable()) }
    waiting = []
    for connection in leaving.values { connection.close("the channel was shut down") }
    for subchannel in subchannels.values { subchannel.closeNow("the channel was shut down") }
    leaving = [:]
    subchannels = [:]
    ready = []
  }
}
