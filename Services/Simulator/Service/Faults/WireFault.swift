import EventLoop
import Gzip
import SimulatorModel
import SimulatorScript

/// Bends the bytes of an answer, whether it streams or not.
struct WireFault {
  let strike: FaultScript.Strike
  let answer: HTTPAnswer
  let connection: HTTPConnection
  let loop: EventLoop

  private var body: [UInt8] { answer.body }
  private var half: ArraySlice<UInt8> { body[..<(body.count / 2)] }

  private static let longer = 1000
  private static let spaceCount = 64 << 10

  func perform() {
    switch strike.fault {
    case .headOnly:
      connection.write(answer.head(.length(body.count), isKeptAlive: true))
      connection.fallSilent()
    case .lengthTooLong:
      send(answer.head(.length(body.count + Self.longer), isKeptAlive: true), body[...])
      connection.closeWhenDrained()
    case .lengthTooShort:
      send(answer.head(.length(max(0, body.count - 5)), isKeptAlive: true), body[...])
      connection.finish(isKeptAlive: true)
    case .duplicateLength:
      var doubled = answer
      doubled.headers.append(("content-length", String(body.count + 7)))
      send(doubled.head(.length(body.count), isKeptAlive: true), body[...])
      connection.finish(isKeptAlive: false)
    case .badChunk:
      send(answer.head(.chunks, isKeptAlive: true), (Array("zz\r\n".utf8) + body)[...])
      connection.finish(isKeptAlive: false)
    case .noLastChunk:
      send(answer.head(.chunks, isKeptAlive: true), HTTPAnswer.chunk(body)[...])
      connection.closeWhenDrained()
    case .bodyCut:
      send(answer.head(.length(body.count), isKeptAlive: true), half)
      connection.closeWhenDrained()
    case .bodyReset:
      send(answer.head(.length(body.count), isKeptAlive: true), half)
      resetSoon()
    case .slowDrip: drip()
    case .gzipBomb: sendBomb()
    case .hugeBody: sendHuge()
    default: sendBent()
    }
  }

  private func send(_ head: [UInt8], _ body: ArraySlice<UInt8>) { connection.write(head + body) }

  /// So that what was sent before is read before.
  private func resetSoon() {
    let connection = connection
    loop.schedule(after: .milliseconds(20)) { connection.reset() }
  }

  /// Whole answers whose framing is right and whose content is not.
  private func sendBent() {
    var bent = answer
    switch strike.fault {
    case .garbage: bent.body = Array("\u{1}\u{2}%%% upstream said nothing useful".utf8)
    case .emptyBody: bent.body = []
    case .jsonCut: bent.body = Array(half)
    case .invalidUtf8: bent.body = invalid()
    case .html:
      bent.contentType = "text/html"
      bent.body = Array("<!doctype html><title>Sign in to this network</title>".utf8)
    default: break
    }
    var bytes = bent.bytes(isKeptAlive: true)
    if strike.fault == .extraAnswer {
      bytes += HTTPAnswer(body: Array("{}".utf8)).bytes(isKeptAlive: true)
    }
    connection.write(bytes)
    connection.finish(isKeptAlive: true)
  }

  /// Bytes that no UTF-8 has, within the last text of the body.
  private func invalid() -> [UInt8] {
    var bytes = body
    let place = bytes.firstIndex(of: UInt8(ascii: " ")) ?? bytes.count / 2
    bytes.insert(contentsOf: [0xC3, 0x28, 0xFF], at: min(bytes.count, place))
    return bytes
  }

  private func drip() {
    let all = answer.bytes(isKeptAlive: true)
    let (connection, loop) = (connection, loop)
    let pause = Duration.milliseconds(strike.options.delayMilliseconds)
    let gone = DripEnd()
    connection.onGone = { gone.isOver = true }
    func step(_ index: Int) {
      guard !gone.isOver else { return }
      guard index < all.count else { return connection.finish(isKeptAlive: true) }
      connection.write([all[index]])
      loop.schedule(after: pause) { step(index + 1) }
    }
    step(0)
  }

  /// Whether whom the drip is for has gone.
  private final class DripEnd {
    var isOver = false
  }

  private func sendBomb() {
    let unpacked = [UInt8](repeating: 0x20, count: strike.options.bytes)
    var bomb = answer
    bomb.headers.append(("content-encoding", "gzip"))
    bomb.body = Gzip.compress(unpacked)
    connection.write(bomb.bytes(isKeptAlive: true))
    connection.finish(isKeptAlive: true)
  }

  private func sendHuge() {
    var left = strike.options.bytes
    let (connection, body) = (connection, body)
    connection.write(answer.head(.length(left + body.count), isKeptAlive: true))
    connection.write(
      from: {
        guard left > 0 else { return nil }
        let count = min(left, Self.spaceCount)
        left -= count
        return [UInt8](repeating: 0x20, count: count)
      },
      then: {
        connection.write(body)
        connection.finish(isKeptAlive: true)
      })
  }
}
