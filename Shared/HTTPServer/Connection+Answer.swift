import CMicroHTTPD
import Glibc

extension Connection {
  /// Bodies up to this are handed over at once, as a copy; larger ones are asked for in blocks,
  /// which shows that the client goes on taking.
  private static var copiedBodyBytesMax: Int { 64 << 10 }
  private static var blockByteCount: Int { 64 << 10 }

  /// False when the library did not take it.
  func queue(_ response: HTTPResponse, _ exchange: Exchange?) -> Bool {
    guard response.body.count > Self.copiedBodyBytesMax else {
      let made = unsafe response.body.withUnsafeBytes { body in
        // The library copies, so it does not write.
        unsafe MHD_create_response_from_buffer(
          body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), .RESPMEM_MUST_COPY)
      }
      return unsafe send(made, response.status, response.headers)
    }
    let source = unsafe Unmanaged.passRetained(BodySource(response.body, for: self)).toOpaque()
    let made = unsafe MHD_create_response_from_callback(
      UInt64(response.body.count), Self.blockByteCount,
      { source, position, buffer, count in
        guard let source = unsafe source, let buffer = unsafe buffer else {
          return assay_mhd_failed
        }
        let body = unsafe Unmanaged<BodySource>.fromOpaque(source).takeUnretainedValue()
        let room = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: count)
        return unsafe body.fill(room, from: Int(position))
      },
      source, { source in unsafe BodySource.free(source) })
    if unsafe made == nil { unsafe BodySource.free(source) }
    return unsafe send(made, response.status, response.headers)
  }

  func queue(_ stream: StreamBuffer, _ status: Int, _ headers: HTTPResponseHeaders) -> Bool {
    // The library ends chunked bodies where none may be, too, and the client would take that end
    // for the beginning of the next answer.
    if exchange?.isHeadOnly == true {
      return queue(HTTPResponse(status, headers), exchange)
    }
    let source = unsafe Unmanaged.passRetained(StreamSource(stream, for: self)).toOpaque()
    // The block is for clients of HTTP/1.0 only; chunks are made in the connection's memory.
    let made = unsafe MHD_create_response_from_callback(
      assay_mhd_size_unknown, 512,
      { source, _, buffer, count in
        guard let source = unsafe source, let buffer = unsafe buffer else {
          return assay_mhd_failed
        }
        let stream = unsafe Unmanaged<StreamSource>.fromOpaque(source).takeUnretainedValue()
        return unsafe stream.fill(UnsafeMutableRawBufferPointer(start: buffer, count: count))
      },
      source, { source in unsafe StreamSource.free(source) })
    if unsafe made == nil { unsafe StreamSource.free(source) }
    return unsafe send(made, status, headers)
  }

  private func send(
    _ made: OpaquePointer?, _ status: Int, _ headers: HTTPResponseHeaders
  ) -> Bool {
    guard let response = unsafe made else { return false }
    defer { unsafe MHD_destroy_response(response) }
    guard let handle = unsafe handle else { return false }
    headers.forEachOwn { name, value in
      _ = unsafe MHD_add_response_header(response, name, value)
    }
    // The library takes bare LF within a chunked body's framing: nothing behind such a body is
    // believed. And a draining server keeps nobody.
    if core.isDraining || exchange?.head.isChunked == true {
      lingers = lingers || exchange?.head.isChunked == true
      _ = unsafe MHD_add_response_header(response, "Connection", "close")
    }
    return unsafe MHD_queue_response(handle, UInt32(clamping: status), response) == .YES
  }

  /// Pushes out the head, which the library holds back for the first of the body.
  fileprivate func flushHead() {
    guard case .tcp = peer else { return }
    var yes: Int32 = 1
    unsafe setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }
}

/// A large body, in blocks.
private final class BodySource {
  private let body: [UInt8]
  private weak var connection: Connection?

  init(_ body: [UInt8], for connection: Connection) {
    self.body = body
    self.connection = connection
  }

  func fill(_ buffer: UnsafeMutableRawBufferPointer, from position: Int) -> Int {
    guard let connection, !connection.isAbandoned, position < body.count else {
      return assay_mhd_failed
    }
    connection.enter(.answer)
    let count = min(buffer.count, body.count - position)
    unsafe body.withUnsafeBytes { body in
      unsafe buffer.copyBytes(from: body[position..<(position + count)])
    }
    return count
  }

  static func free(_ source: UnsafeMutableRawPointer?) {
    guard let source = unsafe source else { return }
    unsafe Unmanaged<BodySource>.fromOpaque(source).release()
  }
}

/// A stream, as far as it is written.
private final class StreamSource {
  private let stream: StreamBuffer
  private weak var connection: Connection?

  init(_ stream: StreamBuffer, for connection: Connection) {
    self.stream = stream
    self.connection = connection
  }

  func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let connection, !connection.isAbandoned else { return assay_mhd_failed }
    connection.enter(.answer)
    let count = unsafe stream.take(into: buffer)
    guard count == 0 else {
      stream.hasFlushedHead = true
      return count
    }
    switch stream.ending {
    case .finished: return assay_mhd_end
    case .cut: return assay_mhd_failed
    case .open:
      if !stream.hasFlushedHead {
        stream.hasFlushedHead = true
        connection.flushHead()
      }
      connection.suspend()
      return 0
    }
  }

  static func free(_ source: UnsafeMutableRawPointer?) {
    guard let source = unsafe source else { return }
    unsafe Unmanaged<StreamSource>.fromOpaque(source).release()
  }
}
