import CCurl
import Glibc

/// libcurl's callbacks for one transfer, each translated into one call of the `Transfer`.
///
/// None may throw, trap, or call libcurl back in a way that changes the transfer.
enum TransferCallbacks {
  static func install(in raw: OpaquePointer) -> CURLcode {
    for code in unsafe [
      assay_curl_set_data(raw, CURLOPT_HEADERFUNCTION, onHeader),
      assay_curl_set_data(raw, CURLOPT_WRITEFUNCTION, onBody),
      assay_curl_set_data(raw, CURLOPT_READFUNCTION, onRead),
      assay_curl_set_open(raw, onOpen),
      assay_curl_set_close(raw, onClose),
      assay_curl_set_ready(raw, onReady),
    ] where code != CURLE_OK { return code }
    return CURLE_OK
  }
}

private typealias Context = UnsafeMutableRawPointer

private func transfer(_ context: Context?) -> Transfer? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<EasyHandle>.fromOpaque(context).takeUnretainedValue().transfer
}

private let onHeader: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, Context?) -> Int = {
  bytes, size, count, context in
  let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  guard let transfer = unsafe transfer(context), unsafe transfer.receivedHeader(line) else {
    return 0
  }
  return line.count
}

private let onBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, Context?) -> Int = {
  bytes, size, count, context in
  let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  guard let transfer = unsafe transfer(context) else { return 0 }
  switch unsafe transfer.receivedBody(part) {
  case .taken: return part.count
  case .paused: return assay_write_pause
  case .refused: return 0
  }
}

private let onRead: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, Context?) -> Int = {
  bytes, size, count, context in
  let space = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
  guard let transfer = unsafe transfer(context) else { return assay_read_abort }
  switch unsafe transfer.fill(space) {
  case .filled(let count): return count
  case .paused: return assay_read_pause
  case .failed: return assay_read_abort
  }
}

private let onReady:
  @convention(c) (
    Context?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int32, Int32
  ) -> Int32 = { context, _, _, _, _ in
    let mayGoOn = unsafe transfer(context)?.connected() ?? false
    return mayGoOn ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
  }

private let onOpen:
  @convention(c) (Context?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> Int32 = {
    context, _, address in
    guard let transfer = unsafe transfer(context), let address = unsafe address else {
      return assay_socket_bad
    }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = unsafe Int(assay_address_bytes(address, &bytes))
    let isAllowed =
      unsafe assay_is_unix(address) != 0
      ? transfer.endpoint.isUnix
      : transfer.mayConnect(to: NetworkAddress(bytes: Array(bytes.prefix(count))))
    return isAllowed ? unsafe assay_open_socket(address) : assay_socket_bad
  }

private let onClose: @convention(c) (Context?, Int32) -> Int32 = { context, socket in
  if let context = unsafe context {
    unsafe Unmanaged<HTTPClient>.fromOpaque(context).takeUnretainedValue().forget(socket)
  }
  return close(socket)
}
