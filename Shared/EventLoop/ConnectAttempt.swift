import CUV
import Glibc

extension SocketStream {
  /// Connects; `done` is called once, on the loop, never within this call, and never after
  /// `cancel()`. Loop's thread only.
  ///
  /// `timeout` covers everything: the name's resolution, each of its addresses in turn, and a
  /// Unix server whose backlog is full.
  package static func connect(
    to address: SocketAddress, on loop: EventLoop, timeout: Duration,
    _ done: @escaping (Result<SocketStream, EventLoopError>) -> Void
  ) -> ConnectAttempt {
    loop.assertCurrent()
    let attempt = ConnectAttempt(to: address, on: loop, done)
    attempt.begin(timeout: timeout)
    return attempt
  }
}

/// A connection on its way.
@safe package final class ConnectAttempt: LoopResource {
  private let address: SocketAddress
  private var done: ((Result<SocketStream, EventLoopError>) -> Void)?
  private var deadline: LoopTimer?
  private var retry: LoopTimer?
  private var retryWait = Duration.milliseconds(1)
  private static let retryWaitMax = Duration.milliseconds(50)
  /// What the resolver said and was not tried yet, last first.
  private var candidates: [RawAddress] = []
  private var connecting: SocketStream?
  private var lookup: UnsafeMutablePointer<uv_getaddrinfo_t>?

  /// Addresses of one name that are tried.
  private static let candidatesMax = 16

  init(
    to address: SocketAddress, on loop: EventLoop,
    _ done: @escaping (Result<SocketStream, EventLoopError>) -> Void
  ) {
    self.address = address
    self.done = done
    super.init(on: loop)
  }

  /// Gives up without a word; loop's thread only.
  package func cancel() {
    loop.assertCurrent()
    finish(nil)
  }

  override func loopIsStopping() { finish(.failure(.loopStopped)) }

  func begin(timeout: Duration) {
    opened()
    guard !loop.isClosing else {
      return loop.later { self.finish(.failure(.loopStopped)) }
    }
    deadline = loop.schedule(after: timeout) { [unowned self] in
      finish(.failure(EventLoopError(.timedOut, "Connecting to \(address) took too long")))
    }
    switch address {
    case .unix(let path):
      // Never within `connect`: the caller does not hold the attempt yet.
      loop.later { self.connectUnix(path) }
    case .tcp(let host, let port):
      if let raw = RawAddress(numeric: host, port: port) {
        candidates = [raw]
        loop.later { self.connectNext(after: nil) }
      } else {
        resolve(host, port: port)
      }
    }
  }

  /// The end, whatever it is; nil tells nobody.
  private func finish(_ result: Result<SocketStream, EventLoopError>?) {
    guard let done = done.take() else { return }
    deadline?.cancel()
    retry?.cancel()
    candidates = []
    if let connecting = connecting.take() { connecting.close() }
    if let lookup = unsafe lookup {
      // Its callback still comes, and forgets this attempt then.
      unsafe uv_cancel(assay_request(lookup))
    } else {
      forgotten()
    }
    if let result { done(result) }
  }

  // MARK: Unix

  private func connectUnix(_ path: String) {
    guard done != nil else { return }
    do throws(EventLoopError) {
      let raw = try RawAddress(unixPath: path)
      let descriptor = socket(AF_UNIX, assay_stream_socket_type, 0)
      guard descriptor >= 0 else {
        throw EventLoopError(errno: "Connecting to \(address)")
      }
      // A Unix socket connects at once or not at all.
      let status = unsafe raw.withPointer { unsafe Glibc.connect(descriptor, $0, $1) }
      if status == 0 {
        let stream = try SocketStream.adopt(
          ours: descriptor, kind: .unix, label: address.description, on: loop)
        return finish(.success(stream))
      }
      let error = EventLoopError(errno: "Connecting to \(address)")
      Glibc.close(descriptor)
      guard error.systemCode == -EAGAIN else { throw error }
      retryUnix(path)
    } catch {
      finish(.failure(error))
    }
  }

  /// The server lives but its backlog is full: a burst of connections, soon over.
  private func retryUnix(_ path: String) {
    retry = loop.schedule(after: retryWait) { [unowned self] in connectUnix(path) }
    retryWait = min(retryWait * 2, Self.retryWaitMax)
  }

  // MARK: TCP

  private func resolve(_ host: String, port: UInt16) {
    let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe request.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    let status = unsafe uv_getaddrinfo(
      assay_uv_loop(loop.handles), request,
      { request, status, answer in
        defer { unsafe uv_freeaddrinfo(answer) }
        guard let attempt = unsafe ConnectAttempt.of(request?.pointee.data) else { return }
        unsafe attempt.didResolve(status, answer)
      }, host, String(port), &hints)
    guard status == 0 else {
      unsafe request.deallocate()
      let error = EventLoopError(system: status, "Resolving \(host)")
      return loop.later { self.finish(.failure(error)) }
    }
    unsafe lookup = request
  }

  private func didResolve(_ status: Int32, _ answer: UnsafeMutablePointer<addrinfo>?) {
    unsafe lookup?.deallocate()
    unsafe lookup = nil
    // Cancelled or too late meanwhile: only now may the loop forget the attempt.
    guard done != nil else { return forgotten() }
    guard status == 0 else {
      return finish(.failure(EventLoopError(system: status, "Resolving the host of \(address)")))
    }
    var entry = unsafe answer
    while let current = unsafe entry, candidates.count < Self.candidatesMax {
      if let raw = unsafe RawAddress(
        copying: current.pointee.ai_addr, byteCount: current.pointee.ai_addrlen)
      {
        candidates.insert(raw, at: 0)
      }
      unsafe entry = current.pointee.ai_next
    }
    connectNext(after: nil)
  }

  private func connectNext(after error: EventLoopError?) {
    guard done != nil else { return }
    guard let candidate = candidates.popLast() else {
      let none = EventLoopError(.notFound, "\(address) has no address")
      return finish(.failure(error ?? none))
    }
    do throws(EventLoopError) {
      let stream = try SocketStream(kind: .tcp, label: address.description, on: loop)
      connecting = stream
      unsafe assay_connect_req(stream.handle).pointee.data =
        Unmanaged.passUnretained(self).toOpaque()
      let status = unsafe candidate.withPointer { pointer, _ in
        unsafe uv_tcp_connect(
          assay_connect_req(stream.handle), assay_uv_tcp(stream.handle), pointer
        ) { request, status in
          // A cancelled connect belongs to an attempt that is over, and may be gone.
          guard status != UV_ECANCELED.rawValue else { return }
          unsafe ConnectAttempt.of(request?.pointee.data)?.didConnect(status)
        }
      }
      guard status == 0 else {
        connecting = nil
        stream.close()
        throw EventLoopError(system: status, "Connecting to \(address)")
      }
    } catch {
      connectNext(after: error)
    }
  }

  private func didConnect(_ status: Int32) {
    guard done != nil, let stream = connecting.take() else { return }
    guard status == 0 else {
      stream.close()
      return connectNext(after: EventLoopError(system: status, "Connecting to \(address)"))
    }
    stream.becomeConnected()
    finish(.success(stream))
  }
}
