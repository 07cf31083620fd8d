import Descriptors
import Foundation
import Testing

/// protobuf-c's unpacking calls itself for a message inside a message, with no bound of its own.
@Suite struct RecursionTests {
  /// Every descriptor set in the tree, as the C array that proto/generate.sh wrote.
  private func sets() throws -> [(file: String, bytes: [UInt8])] {
    var top = URL(filePath: #filePath)
    for _ in 0..<3 { top.deleteLastPathComponent() }
    var sets: [(String, [UInt8])] = []
    for folder in ["Shared", "Services", "Tests"] {
      let place = top.appending(path: folder)
      let files = try FileManager.default.subpathsOfDirectory(atPath: place.path())
      for file in files where file.hasSuffix(".descriptor-set.c") {
        let text = try String(contentsOf: place.appending(path: file), encoding: .utf8)
        let array = text.split(separator: "{", maxSplits: 1).last?.prefix { $0 != "}" } ?? ""
        let numbers = array.split { !$0.isNumber }.compactMap { UInt8($0) }
        sets.append((file, numbers))
      }
    }
    return sets
  }

  @Test func `no message that reaches itself can be reached from a request or an answer`() throws {
    let sets = try sets()
    #expect(sets.count >= 7)
    var methods = 0
    for (file, bytes) in sets {
      let schema = try SchemaSet(reading: bytes)
      for name in schema.serviceNames {
        for method in schema.service(name)?.methods ?? [] {
          methods += 1
          for type in [method.inputName, method.outputName] {
            let cycle = schema.cycle(from: type)?.joined(separator: " → ")
            #expect(cycle == nil, "\(file): \(type) reaches \(cycle ?? "")")
          }
        }
      }
    }
    #expect(methods > 25)
  }
}
