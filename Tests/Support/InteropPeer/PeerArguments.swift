/// `verb --name value …`
struct PeerArguments {
  let verb: String
  private var values: [String: String] = [:]

  init(_ arguments: [String]) {
    verb = arguments.count > 1 ? arguments[1] : ""
    var index = 2
    while index + 1 < arguments.count {
      values[String(arguments[index].drop { $0 == "-" })] = arguments[index + 1]
      index += 2
    }
  }

  subscript(name: String) -> String? { values[name] }

  func int(_ name: String, _ standard: Int) -> Int { values[name].flatMap { Int($0) } ?? standard }
}
