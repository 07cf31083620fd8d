import CCurl

/// The lines of one request's head as libcurl's linked list, in memory that the next request
/// uses again: no allocation for a line, none for a request of the same size.
@safe struct HeaderLines: ~Copyable {
  private var bytes: UnsafeMutablePointer<CChar>
  private var bytesCapacity = 4096
  private var nodes: UnsafeMutablePointer<curl_slist>
  private var nodesCapacity = 32

  /// Lines of libcurl's own that are not to be sent.
  private static let silenced: [StaticString] = ["Expect:", "Accept:", "Content-Type:"]

  init() {
    unsafe bytes = .allocate(capacity: bytesCapacity)
    unsafe nodes = .allocate(capacity: nodesCapacity)
  }

  deinit {
    unsafe bytes.deallocate()
    unsafe nodes.deallocate()
  }

  /// Where the list begins; changes only when the memory had to grow.
  var first: UnsafeMutablePointer<curl_slist> { unsafe nodes }

  /// Makes the list anew. Names and values have been checked.
  mutating func fill(_ fields: [HTTPField]) {
    reserve(fields)
    var place = unsafe bytes
    var count = 0
    var hasAccept = false
    var hasContentType = false
    for field in fields {
      if field.name.equalsIgnoringCase("accept") { hasAccept = true }
      if field.name.equalsIgnoringCase("content-type") { hasContentType = true }
      unsafe link(place, at: &count)
      unsafe Self.append(field.name, at: &place)
      let isEmpty = field.value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }
      // Without a value, a colon would tell libcurl to leave the header out.
      unsafe place.pointee = CChar(bitPattern: UInt8(ascii: isEmpty ? ";" : ":"))
      unsafe place += 1
      if !isEmpty {
        unsafe place.pointee = CChar(bitPattern: UInt8(ascii: " "))
        unsafe place += 1
        unsafe Self.append(field.value, at: &place)
      }
      unsafe place.pointee = 0
      unsafe place += 1
    }
    for (index, line) in Self.silenced.enumerated() {
      if index == 1 && hasAccept || index == 2 && hasContentType { continue }
      // libcurl only reads the lines.
      let text = unsafe UnsafeRawPointer(line.utf8Start).assumingMemoryBound(to: CChar.self)
      unsafe link(UnsafeMutablePointer(mutating: text), at: &count)
    }
    unsafe nodes[count - 1].next = nil
  }

  private func link(_ line: UnsafeMutablePointer<CChar>, at count: inout Int) {
    unsafe nodes[count] = curl_slist(data: line, next: nodes + count + 1)
    count += 1
  }

  private static func append(_ text: String, at place: inout UnsafeMutablePointer<CChar>) {
    var text = text
    text.withUTF8 { source in
      guard let base = source.baseAddress else { return }
      unsafe UnsafeMutableRawPointer(place).copyMemory(from: base, byteCount: source.count)
      unsafe place += source.count
    }
  }

  private mutating func reserve(_ fields: [HTTPField]) {
    let byteCount = fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 3 }
    if byteCount > bytesCapacity {
      unsafe bytes.deallocate()
      bytesCapacity = byteCount
      unsafe bytes = .allocate(capacity: byteCount)
    }
    let nodeCount = fields.count + Self.silenced.count
    if nodeCount > nodesCapacity {
      unsafe nodes.deallocate()
      nodesCapacity = nodeCount
      unsafe nodes = .allocate(capacity: nodeCount)
    }
  }
}
