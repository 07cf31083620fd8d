import SimulatorModel
import SimulatorScript
import Telemetry

/// Error answers by name, in the shape and with the headers of a dialect.
enum RefusalFault {
  static func answer(to call: ProviderCall, _ strike: FaultScript.Strike) -> HTTPAnswer {
    var answer = bare(call, strike)
    let seconds = strike.options.seconds
    let whole = max(0, Int(seconds.rounded(.up)))
    switch strike.fault {
    case .rateLimitSeconds, .slowDown: answer.headers.append(("retry-after", String(whole)))
    case .rateLimitFloat: answer.headers.append(("retry-after", String(seconds)))
    case .rateLimitDate:
      let time = WallTime.now().seconds + Int64(whole)
      answer.headers.append(("retry-after", HTTPDate.text(time)))
    case .rateLimitMs:
      answer.headers.append(("retry-after-ms", String(Int(seconds * 1000))))
      answer.headers.append(("retry-after", String(whole)))
    case .rateLimitJunk: answer.headers.append(("retry-after", "in a while"))
    case .rateLimitReset: answer.headers += resetHeaders(call.dialect, whole)
    case .redirect:
      answer.headers.append(("location", "http://169.254.169.254/latest/meta-data/"))
    default: break
    }
    return answer
  }

  private static func bare(_ call: ProviderCall, _ strike: FaultScript.Strike) -> HTTPAnswer {
    switch strike.fault {
    case .badGateway:
      return page(call, 502, "text/html", "<html><h1>502 Bad Gateway</h1><hr>nginx</html>")
    case .unavailable: return page(call, 503, "", "")
    case .redirect: return page(call, 302, "", "")
    case .errorJunk: return page(call, 500, "application/json", "[\"error\",{\"oops\":true}]")
    default:
      let error = error(strike, isAnthropic: call.dialect.isAnthropic)
      var answer = call.answer(error.status)
      answer.body = error.body(call.dialect, requestID: call.names.request)
      return answer
    }
  }

  private static func page(
    _ call: ProviderCall, _ status: Int, _ type: String, _ text: String
  ) -> HTTPAnswer {
    var answer = call.answer(status)
    answer.contentType = type
    answer.body = Array(text.utf8)
    return answer
  }

  private static func resetHeaders(_ dialect: Dialect, _ seconds: Int) -> RateLimiter.Headers {
    guard dialect.isAnthropic else {
      return [
        ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "\(seconds)s"),
      ]
    }
    let reset = WallTime(seconds: WallTime.now().seconds + Int64(seconds)).iso8601
    return [
      ("anthropic-ratelimit-requests-limit", "60"),
      ("anthropic-ratelimit-requests-remaining", "0"),
      ("anthropic-ratelimit-requests-reset", String(reset.prefix(19)) + "Z"),
    ]
  }

  // MARK: - What each provider calls it

  private static func error(_ strike: FaultScript.Strike, isAnthropic: Bool) -> ProviderError {
    isAnthropic ? anthropic(strike) : openAI(strike)
  }

  private static func anthropic(_ strike: FaultScript.Strike) -> ProviderError {
    switch strike.fault {
    case .spendLimit, .insufficientQuota:
      ProviderError(
        429, "rate_limit_error",
        "You have reached your spend limit. Access resumes on the first of next month, 00:00 UTC.",
        detail: "enforced_spend_limit_reached")
    case .usageLimit:
      ProviderError(
        400, "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 "
          + "at 00:00 UTC.")
    case .rateLimit, .rateLimitSeconds, .rateLimitFloat, .rateLimitDate, .rateLimitMs,
      .rateLimitJunk, .rateLimitReset, .slowDown:
      ProviderError(
        429, "rate_limit_error", "This request would exceed your organization's rate limit.")
    default: status(anthropicStatus(strike))
    }
  }

  private static func anthropicStatus(_ strike: FaultScript.Strike) -> Int {
    switch strike.fault {
    case .badRequest: 400
    case .unauthorized: 401
    case .billing: 402
    case .forbidden: 403
    case .notFound: 404
    case .conflict: 409
    case .tooLarge: 413
    case .serverError: 500
    case .timeout: 504
    case .overloaded: 529
    default: strike.options.status
    }
  }

  private static func status(_ status: Int) -> ProviderError {
    let (type, message) =
      switch status {
      case 400: ("invalid_request_error", "The request is not valid.")
      case 401: ("authentication_error", "invalid x-api-key")
      case 402: ("billing_error", "There is a problem with your billing.")
      case 403: ("permission_error", "Your API key may not use this resource.")
      case 404: ("not_found_error", "Not found")
      case 409: ("conflict_error", "The request conflicts with another.")
      case 413: ("request_too_large", "Request exceeds the maximum size.")
      case 429: ("rate_limit_error", "Number of requests has exceeded your rate limit.")
      case 504: ("timeout_error", "The request timed out.")
      case 529: ("overloaded_error", "Overloaded")
      default: ("api_error", "Internal server error")
      }
    return ProviderError(status, type, message)
  }

  private static func openAI(_ strike: FaultScript.Strike) -> ProviderError {
    switch strike.fault {
    case .spendLimit, .insufficientQuota, .usageLimit:
      return ProviderError(
        429, "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        code: strike.fault == .insufficientQuota
          ? "insufficient_quota" : "organization_spend_limit_exceeded")
    case .slowDown:
      return ProviderError(429, "rate_limit_error", "Slow Down", code: "slow_down")
    case .rateLimit, .rateLimitSeconds, .rateLimitFloat, .rateLimitDate, .rateLimitMs,
      .rateLimitJunk, .rateLimitReset:
      return ProviderError(
        429, "requests", "Rate limit reached for requests.", code: "rate_limit_exceeded")
    case .overloaded:
      return ProviderError(
        503, "server_error", "The server is currently overloaded.", code: "server_is_overloaded")
    default:
      let status = anthropicStatus(strike)
      let (type, code): (String, String?) =
        switch status {
        case 401: ("invalid_request_error", "invalid_api_key")
        case 404: ("invalid_request_error", "model_not_found")
        case 400..<500: ("invalid_request_error", nil)
        default: ("server_error", nil)
        }
      return ProviderError(status, type, "The request could not be served.", code: code)
    }
  }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  static func text(_ seconds: Int64) -> String {
    let iso = Array(WallTime(seconds: seconds).iso8601.utf8)
    func part(_ range: Range<Int>) -> String { String(decoding: iso[range], as: UTF8.self) }
    let month = months[max(0, min(11, (Int(part(5..<7)) ?? 1) - 1))]
    let day = days[Int(max(0, seconds) / 86_400 % 7)]
    return "\(day), \(part(8..<10)) \(month) \(part(0..<4)) \(part(11..<19)) GMT"
  }
}
