import Descriptors
import Faults
import RPC

/// The descriptors of everything one server serves, found by file, symbol or service.
struct ReflectionIndex: Sendable {
  let serviceNames: [String]
  private let set: SchemaSet

  init(_ services: [ServiceDescriptor]) throws {
    serviceNames = services.map(\.name).sorted()
    var files: [FileSchema] = []
    var seen: Set<String> = []
    for service in services {
      for file in try SchemaSet(reading: service.descriptorSet()).files
      where seen.insert(file.name).inserted {
        files.append(file)
      }
    }
    set = try SchemaSet(files: files)
  }

  /// The file and all it imports, the file first; nil when it is unknown.
  func files(named name: String) -> [[UInt8]]? {
    guard let first = set.file(name) else { return nil }
    var found: [[UInt8]] = []
    var seen: Set<String> = [name]
    var waiting = [first]
    while !waiting.isEmpty {
      let file = waiting.removeFirst()
      found.append(file.bytes)
      for dependency in file.dependencies where seen.insert(dependency).inserted {
        if let next = set.file(dependency) { waiting.append(next) }
      }
    }
    return found
  }

  /// The same for the file that defines a service, a method, a message or an enum.
  func files(defining symbol: String) -> [[UInt8]]? {
    if let file = set.file(defining: symbol) { return files(named: file.name) }
    // `package.Service.Method`
    guard let dot = symbol.lastIndex(of: ".") else { return nil }
    let service = String(symbol[..<dot])
    let method = symbol[symbol.index(after: dot)...]
    guard let schema = set.service(service), schema.methods.contains(where: { $0.name == method })
    else { return nil }
    return set.file(defining: service).flatMap { files(named: $0.name) }
  }

  func isMessage(_ name: String) -> Bool { set.message(name) != nil }

  /// What one request asks, in either version of the protocol.
  enum Question {
    case file(String)
    case symbol(String)
    case services
    case extensions(of: String)
    case nothing
  }

  enum Answer {
    case files([[UInt8]])
    case services([String])
    case extensions(of: String)
    case unknown(code: Fault.Code, String)
  }

  func answer(_ question: Question) -> Answer {
    switch question {
    case .file(let name):
      files(named: name).map(Answer.files)
        ?? .unknown(code: .notFound, "No file '\(name)' is known here.")
    case .symbol(let name):
      files(defining: name).map(Answer.files)
        ?? .unknown(code: .notFound, "No symbol '\(name)' is known here.")
    case .services:
      .services(serviceNames)
    case .extensions(let name):
      isMessage(name)
        ? .extensions(of: name)
        : .unknown(code: .notFound, "No message '\(name)' is known here.")
    case .nothing:
      .unknown(code: .invalidArgument, "The request asks nothing.")
    }
  }
}
