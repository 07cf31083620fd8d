import CUV
import Glibc

/// One question to the system's resolver, asked on a thread of libuv's pool.
///
/// Everything here belongs to the loop's thread.
@safe package final class HostLookup: LoopResource {
  private let host: String
  private var done: ((Result<[String], EventLoopError>) -> Void)?
  private var request: UnsafeMutablePointer<uv_getaddrinfo_t>?

  /// Addresses of one name that are handed on; more are dropped.
  package static let addressesMax = 16

  /// Asks for the addresses of `host`; `done` gets them in numeric form, in the resolver's order.
  ///
  /// `done` is called once, never within this call, and never after `cancel()`.
  package init(
    of host: String, on loop: EventLoop,
    _ done: @escaping (Result<[String], EventLoopError>) -> Void
  ) {
    loop.assertCurrent()
    self.host = host
    self.done = done
    super.init(on: loop)
    opened()
    begin()
  }

  /// Gives up without a word.
  package func cancel() {
    loop.assertCurrent()
    finish(nil)
  }

  override func loopIsStopping() { finish(.failure(.loopStopped)) }

  private func begin() {
    guard !loop.isClosing else {
      return loop.later { self.finish(.failure(.loopStopped)) }
    }
    let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe request.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    let status = unsafe uv_getaddrinfo(
      assay_uv_loop(loop.handles), request,
      { request, status, answer in
        defer { unsafe uv_freeaddrinfo(answer) }
        guard let lookup = unsafe HostLookup.of(request?.pointee.data) else { return }
        unsafe lookup.answered(status, answer)
      }, host, nil, &hints)
    guard status == 0 else {
      unsafe request.deallocate()
      let error = EventLoopError(system: status, "Resolving \(host)")
      return loop.later { self.finish(.failure(error)) }
    }
    unsafe self.request = request
  }

  private func answered(_ status: Int32, _ answer: UnsafeMutablePointer<addrinfo>?) {
    unsafe request?.deallocate()
    unsafe request = nil
    // Cancelled meanwhile: only now may the loop forget this.
    guard done != nil else { return forgotten() }
    guard status == 0 else {
      return finish(.failure(EventLoopError(system: status, "Resolving \(host)")))
    }
    var addresses: [String] = []
    var entry = unsafe answer
    while let current = unsafe entry, addresses.count < Self.addressesMax {
      let raw = unsafe RawAddress(
        copying: current.pointee.ai_addr, byteCount: current.pointee.ai_addrlen)
      if case .tcp(let numeric, _) = raw?.socketAddress, !addresses.contains(numeric) {
        addresses.append(numeric)
      }
      unsafe entry = current.pointee.ai_next
    }
    finish(.success(addresses))
  }

  /// The end, whatever it is; nil tells nobody.
  private func finish(_ result: Result<[String], EventLoopError>?) {
    guard let done = done.take() else { return }
    if let request = unsafe request {
      // Its callback still comes, and forgets this then.
      unsafe uv_cancel(assay_request(request))
    } else {
      forgotten()
    }
    if let result { done(result) }
  }
}
