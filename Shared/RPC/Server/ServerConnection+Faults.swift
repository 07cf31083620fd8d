import Faults
import GRPCFormat
import RPCStream

extension ServerConnection {
  static var deadlineFault: Fault {
    Fault(
      .deadlineExceeded, reason: "DEADLINE", "The call's deadline passed while it was running.")
  }

  static func fault(of error: any Error) -> Fault {
    switch error as? MessageDeframer.Problem {
    case .messageTooLarge(let announced, let limit):
      return Fault(
        .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        "A message of \(announced) bytes passes this method's limit of \(limit).",
        facts: ["limit": "request_bytes"])
    case .badFlag(let flag):
      return Fault(.internal, reason: "BAD_FRAME", "A message prefix has the flag \(flag).")
    case nil:
      return Fault(describing: error)
    }
  }
}
