import Glibc
import JSON
import Telemetry
import Testing

/// Real descriptors: none may ever make the caller wait.
@Suite(.timeLimit(.minutes(1))) struct LogOutputTests {
  private func logger(_ descriptor: Int32) -> Logger {
    let limits = LogLimits(repeatsPerWindowMax: .max)
    return Logger(
      service: "s", instance: "i", to: LogSink(descriptor: descriptor, limits: limits))
  }

  private func descriptors(isPipe: Bool = true) -> (Int32, Int32) {
    var pair: [Int32] = [-1, -1]
    let code =
      unsafe isPipe ? pipe(&pair) : socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
    #expect(code == 0)
    return (pair[0], pair[1])
  }

  private func readAll(_ descriptor: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe room.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { return all }
      all += room[..<count]
    }
  }

  private func records(_ bytes: [UInt8]) throws -> [JSONValue] {
    try bytes.split(separator: 0x0A).map { try JSONValue(parsing: Array($0)) }
  }

  @Test(arguments: [true, false])
  func `a full pipe or socket drops lines, counts them and goes on`(isPipe: Bool) throws {
    let (reading, writing) = descriptors(isPipe: isPipe)
    defer { close(reading) }
    let logger = logger(writing)
    var sent = 0
    while logger.sink.droppedCount < 10 {
      logger.info(
        "filling", [.count: .int(sent), .error: .string(String(repeating: "x", count: 300))])
      sent += 1
    }
    let flags = fcntl(reading, F_GETFL)
    #expect(fcntl(reading, F_SETFL, flags | O_NONBLOCK) == 0)
    var bytes = readAll(reading)
    logger.info("room again")
    bytes += readAll(reading)
    let received = try records(bytes)
    // A report is shorter than the lines it reports, so it may have found room among them.
    let reports = received.compactMap { $0["dropped"]?.intValue }
    #expect(reports.reduce(0, +) == 10)
    #expect(received.count == sent - 10 + reports.count + 1)
    #expect(received[received.count - 1]["message"] == "room again")
    close(writing)
  }

  @Test func `the descriptor that was given keeps its mode`() {
    let (reading, writing) = descriptors()
    logger(writing).info("x")
    #expect(fcntl(writing, F_GETFL) & O_NONBLOCK == 0)
    close(writing)
    // The sink's own descriptor is gone too, so the pipe has ended.
    #expect(readAll(reading).last == 0x0A)
    close(reading)
  }

  @Test func `a file is appended to where others write too`() throws {
    var path = [CChar]("/tmp/assay-log-XXXXXX".utf8CString)
    let file = unsafe mkstemp(&path)
    let name = String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
      close(file)
      unsafe unlink(name)
    }
    _ = unsafe write(file, "before\n", 7)
    logger(file).info("from the log")
    _ = unsafe write(file, "after\n", 6)
    lseek(file, 0, SEEK_SET)
    let lines = String(decoding: readAll(file), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.first == "before")
    #expect(lines.last == "after")
  }

  @Test func `a closed descriptor only loses lines`() {
    let logger = logger(-1)
    logger.info("nobody hears this")
    #expect(logger.sink.droppedCount == 1)
  }

  @Test func `lines of many threads stay whole`() async throws {
    let (reading, writing) = descriptors()
    let logger = logger(writing)
    await withTaskGroup { group in
      for task in 0..<8 {
        group.addTask {
          for count in 0..<20 { logger.info("racing", [.run: .int(task), .count: .int(count)]) }
        }
      }
    }
    let flags = fcntl(reading, F_GETFL)
    #expect(fcntl(reading, F_SETFL, flags | O_NONBLOCK) == 0)
    let received = try records(readAll(reading))
    #expect(received.count + logger.sink.droppedCount == 160)
    #expect(received.allSatisfy { $0["message"] == "racing" })
    close(reading)
    close(writing)
  }
}
