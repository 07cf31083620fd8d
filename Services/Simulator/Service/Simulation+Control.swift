import JSON
import SimulatorModel
import SimulatorScript

/// What tests and operators ask of the simulator itself; no key is asked for.
extension Simulation {
  func control(_ request: HTTPRequest, _ connection: HTTPConnection) {
    switch (request.method, request.path) {
    case ("GET", "/bill"):
      readBill { [self] bytes in send(.lines(bytes), request, connection) }
    case ("GET", "/control/log"): send(.lines(logLines(request.query)), request, connection)
    case ("GET", "/control/faults"): send(.json(Self.faultTable), request, connection)
    case ("GET", "/control/script"): send(.json(script.report), request, connection)
    case ("POST", "/control/reset"):
      reset()
      send(.json(.object(["reset": true])), request, connection)
    case ("POST", "/control/script"), ("POST", "/control/clock"):
      send(change(request), request, connection)
    default:
      send(
        .json(.object(["problem": "there is no such control"]), status: 404), request, connection)
    }
  }

  private func change(_ request: HTTPRequest) -> HTTPAnswer {
    do {
      let value =
        request.body.isEmpty ? .object(JSONObject()) : try JSONValue(parsing: request.body)
      return .json(
        request.path == "/control/clock" ? advanceClock(value) : try takeScript(value))
    } catch let problem as FaultScript.Problem {
      return .json(.object(["problem": .string(problem.text)]), status: 400)
    } catch {
      return .json(.object(["problem": .string("\(error)")]), status: 400)
    }
  }

  /// `{"advance_s":…}`: caches age and limits refill as if that time had passed.
  private func advanceClock(_ value: JSONValue) -> JSONValue {
    let seconds = min(max(value["advance_s"]?.doubleValue ?? 0, 0), 1e8)
    clockOffset += UInt64(seconds * 1e9)
    return .object(["offset_s": .number(Double(clockOffset) / 1e9)])
  }

  /// Rules replace rules; latency and limits replace theirs where they are given.
  private func takeScript(_ value: JSONValue) throws(FaultScript.Problem) -> JSONValue {
    let known: Set<String> = ["seed", "rules", "latency", "limits"]
    if let stranger = value.objectValue?.keys.first(where: { !known.contains($0) }) {
      throw FaultScript.Problem(text: "there is no '\(stranger)', only \(known.sorted())")
    }
    let fresh = try FaultScript(value)
    if value["rules"] != nil || value["seed"] != nil { script = fresh }
    if let law = value["latency"] { latency = LatencyLaw(law) }
    if let given = value["limits"]?.objectValue {
      var limits: [String: RateLimits] = [:]
      for (key, limit) in given { limits[key] = Self.limits(limit) }
      limiter.limits = limits
      limiter.reset()
    }
    return .object(["rules": .number(script.count)])
  }

  private static func limits(_ value: JSONValue) -> RateLimits {
    func count(_ key: String) -> Int { min(max(value[key]?.intValue ?? 0, 0), 1_000_000_000) }
    var limits = RateLimits()
    limits.requests = count("rpm")
    limits.inputTokens = count("itpm")
    limits.outputTokens = count("otpm")
    limits.tokens = count("tpm")
    let window = count("window_ms")
    if window > 0 { limits.windowNanoseconds = UInt64(window) * 1_000_000 }
    return limits
  }

  /// All that is remembered, or from `?from=N` on.
  private func logLines(_ query: String) -> [UInt8] {
    let from = query.split(separator: "&").first { $0.hasPrefix("from=") }
      .flatMap { Int($0.dropFirst(5)) }
    var writer = JSONWriter()
    for record in records where record.number >= from ?? 0 {
      record.write(to: &writer)
      writer.raw(0x0A)
    }
    return writer.bytes
  }

  private static let faultTable = JSONValue.array(
    FaultName.allCases.map { fault in
      .object([
        "fault": .string(fault.rawValue), "stage": .string(fault.stage.rawValue),
        "what": .string(fault.explanation),
      ])
    })
}
