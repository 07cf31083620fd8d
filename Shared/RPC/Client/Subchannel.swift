import EventLoop
import Faults

/// One replica of a service: its connection, or the wait before the next try. Loop-confined.
///
/// `@unchecked Sendable`: touched on the channel's loop alone.
final class Subchannel: ClientConnectionOwner, @unchecked Sendable {
  enum State {
    case idle
    case connecting
    case ready(ClientConnection)
    case resting
    case gone
  }

  let address: SocketAddress
  private let loop: EventLoop
  private let connector: Connector
  private let limits: ChannelLimits
  private let channel: ChannelCore
  private(set) var state = State.idle
  private(set) var lastFailure: String?
  private var backoff: Backoff
  private var attempt: (any Cancellable)?
  private var restTimer: LoopTimer?
  /// Connected, waiting for SETTINGS.
  private var opening: ClientConnection?

  init(_ address: SocketAddress, connector: Connector, channel: ChannelCore) {
    self.address = address
    self.loop = channel.loop
    self.connector = connector
    self.limits = channel.options.limits
    self.channel = channel
    if case .unix = address { self.backoff = .local } else { self.backoff = Backoff() }
  }

  var connection: ClientConnection? {
    if case .ready(let connection) = state { connection } else { nil }
  }

  func connect() {
    guard case .idle = state else { return }
    state = .connecting
    attempt = connector.connect(address, loop, limits.connectTimeout) { [weak self] result in
      self?.connected(result)
    }
  }

  /// Something changed at the address: a wait is not worth its time any more.
  func connectNow() {
    guard case .resting = state else { return connect() }
    restTimer?.cancel()
    state = .idle
    connect()
  }

  private func connected(_ result: Result<any ByteStream, EventLoopError>) {
    attempt = nil
    guard case .connecting = state else {
      if case .success(let stream) = result { stream.close() }
      return
    }
    switch result {
    case .failure(let error):
      failed("\(error)")
    case .success(let stream):
      do {
        let connection = try ClientConnection(stream, limits: limits, owner: self)
        opening = connection
        connection.start()
      } catch {
        stream.close()
        failed("\(error)")
      }
    }
  }

  private func failed(_ reason: String) {
    lastFailure = reason
    state = .resting
    var random = SystemRandomNumberGenerator()
    restTimer = loop.schedule(after: backoff.next(using: &random)) { [weak self] in
      guard let self, case .resting = state else { return }
      state = .idle
      connect()
    }
    channel.subchannelFailed(self)
  }

  /// The address is no longer listed: running calls finish, no new ones come.
  func retire() {
    restTimer?.cancel()
    attempt?.cancel()
    attempt = nil
    let connection = connection
    opening?.close("the replica is gone")
    opening = nil
    state = .gone
    connection?.drain()
  }

  func closeNow(_ reason: String) {
    let connection = connection
    retire()
    connection?.close(reason)
  }

  // MARK: ClientConnectionOwner

  func connectionReady(_ connection: ClientConnection) {
    guard connection === opening, case .connecting = state else { return }
    opening = nil
    state = .ready(connection)
    backoff.reset()
    lastFailure = nil
    channel.subchannelReady(self)
  }

  func connectionDraining(_ connection: ClientConnection) {
    channel.adopt(connection)
    guard case .ready(let mine) = state, mine === connection else { return }
    // The server said goodbye in good order: another may listen there already.
    state = .idle
    connect()
  }

  func connectionClosed(_ connection: ClientConnection, _ reason: String) {
    channel.forget(connection)
    if connection === opening {
      opening = nil
      if case .connecting = state { failed(reason) }
    } else if case .ready(let mine) = state, mine === connection {
      lastFailure = reason
      state = .idle
      connect()
    }
  }
}
