import Glibc
import Telemetry
import Testing

@Suite struct SecretTests {
  private let secret = Secret("sk-live-hunter2")

  @Test func `no way of printing shows it`() {
    struct Settings {
      let key: Secret
      let keys: [Secret]
    }
    let settings = Settings(key: secret, keys: [secret])
    var dumped = ""
    dump(settings, to: &dumped)
    let shown = [
      "\(secret)", secret.description, secret.debugDescription, String(describing: secret),
      String(reflecting: secret), "\(settings)", "\([secret])", "\(secret as Any)",
      "\(Optional(secret) as Any)", dumped, String(reflecting: Mirror(reflecting: secret)),
    ]
    for text in shown {
      #expect(!text.contains("hunter2"))
    }
    #expect("\(secret)" == "‹redacted›")
    #expect("\(settings)".contains("‹redacted›"))
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test func `its bytes are lent to whoever needs them`() {
    #expect(secret.count == 15)
    #expect(!secret.isEmpty)
    let text = secret.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
    #expect(text == "sk-live-hunter2")
    #expect(Secret("").isEmpty)
    #expect(Secret("") == Secret(""))
  }

  @Test func `it compares by all its bytes`() {
    #expect(secret == Secret("sk-live-hunter2"))
    #expect(secret != Secret("sk-live-hunter3"))
    #expect(secret != Secret("tk-live-hunter2"))
    #expect(secret != Secret("sk-live-hunter"))
  }

  /// Reads through the kernel, so that looking at memory that was given back is no fault.
  private func memory(at address: UInt, count: Int) -> [UInt8] {
    let file = unsafe open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let read = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe pread(file, buffer.baseAddress, buffer.count, off_t(address))
    }
    return [UInt8](bytes.prefix(max(0, read)))
  }

  @Test func `its memory is overwritten when the last copy goes`() {
    var address: UInt = 0
    var secret: Secret? = unsafe Secret(capacity: 8192) { buffer in
      unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0xA7)
      address = UInt(bitPattern: buffer.baseAddress)
      return buffer.count
    }
    var copy = secret
    secret = nil
    // The allocator may write into what it got back, so the middle is looked at.
    #expect(memory(at: address + 2048, count: 1024).allSatisfy { $0 == 0xA7 })
    #expect(copy?.count == 8192)
    copy = nil
    #expect(!memory(at: address + 2048, count: 1024).contains(0xA7))
  }

  @Test func `a count beyond its room is cut`() {
    let filled = unsafe Secret(capacity: 2) { buffer in
      for index in buffer.indices { unsafe buffer[index] = 0x42 }
      return 9
    }
    #expect(filled == Secret("BB"))
    #expect(unsafe Secret(capacity: -1) { _ in -5 }.isEmpty)
  }
}
