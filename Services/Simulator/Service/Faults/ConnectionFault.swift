import SimulatorModel
import SimulatorScript

/// What happens instead of an answer, below HTTP.
enum ConnectionFault {
  private static let floodBytesMax = 16 << 20
  private static let continuesMax = 1000

  static func perform(_ strike: FaultScript.Strike, on connection: HTTPConnection) {
    switch strike.fault {
    case .close: connection.closeWhenDrained()
    case .reset: connection.reset()
    case .halfClose: connection.halfClose()
    case .badStatusLine:
      connection.write(Array("ICY 200 OK\r\n\r\n{}".utf8))
      connection.closeWhenDrained()
    case .headerFlood: flood(connection)
    case .continueFlood:
      let text = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: continuesMax)
      connection.write(Array(text.utf8))
      connection.fallSilent()
    default: connection.fallSilent()
    }
  }

  private static func flood(_ connection: HTTPConnection) {
    connection.write(Array("HTTP/1.1 200 OK\r\n".utf8))
    let line = "x-flood: " + String(repeating: "a", count: 1000) + "\r\n"
    let piece = Array(String(repeating: line, count: 64).utf8)
    var left = floodBytesMax
    connection.write(
      from: {
        guard left > 0 else { return nil }
        left -= piece.count
        return piece
      }, then: { connection.closeWhenDrained() })
  }
}
