import Configuration
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConfigurationStoreTests {
  private let scratch = ScratchFiles()

  private func store(_ text: String, arguments: [String] = []) throws -> ConfigurationStore {
    try ConfigurationStore(
      schema: Sample.schema,
      sources: ConfigurationSources(
        arguments: ["--mesh.listen=unix:/l"] + arguments,
        defaultFile: scratch.write("assay.yaml", text)))
  }

  @Test func `what may change does, and what may not is listed`() throws {
    let store = try store("service: {name: a, workers: 2}")
    let before = store.current
    scratch.write("assay.yaml", "log: {level: debug}\nservice: {name: b, workers: 3}")
    let outcome = try store.reload()
    #expect(outcome.version == 2)
    #expect(outcome.changed == ["log.level", "service.name"])
    #expect(outcome.needsRestart == ["service.workers"])
    #expect(store.current.version == 2)
    #expect(store.current[Sample.name] == "b")
    #expect(store.current[Sample.level] == "debug")
    #expect(store.current[Sample.workers] == 2)
    #expect(store.current.origin(of: Sample.level).description == "\(scratch.path)/assay.yaml:1")
    // Who has taken the values before keeps a consistent picture.
    #expect(before[Sample.name] == "a")

    let again = try store.reload()
    #expect(again.version == 2)
    #expect(again.changed == [])
    #expect(again.needsRestart == ["service.workers"])
  }

  @Test func `a file that is wrong changes nothing`() throws {
    let store = try store("service: {name: a}")
    scratch.write("assay.yaml", "service: {name: b, wrkers: 3, call-timeout: x}")
    #expect(throws: ConfigurationError.self) { try store.reload() }
    #expect(store.current[Sample.name] == "a")
    #expect(store.current.version == 1)
    do {
      _ = try store.reload()
    } catch {
      #expect(error.problems.count == 2)
    }
  }

  @Test func `a value that only moved is no change`() throws {
    let store = try store("service: {name: a}")
    scratch.write("assay.yaml", "\n\nservice:\n  name: a")
    #expect(try store.reload().changed == [])
    #expect(store.current.origin(of: Sample.name).description.hasSuffix(":4"))
  }

  @Test func `a file that is gone means defaults`() throws {
    let store = try store("service: {name: a}")
    scratch.write("assay.yaml", "")
    #expect(try store.reload().changed == ["service.name"])
    #expect(store.current[Sample.name] == "unnamed")
  }

  @Test func `a new secret in the same file is a change`() throws {
    let key = scratch.write("key", "one")
    let store = try store("", arguments: ["--service.key_file=\(key)"])
    #expect(store.current[Sample.key] == Secret("one"))
    scratch.write("key", "two")
    #expect(try store.reload().changed == ["service.key_file"])
    #expect(store.current[Sample.key] == Secret("two"))
    scratch.write("key", "two", mode: 0o644)
    let outcome = try store.reload()
    #expect(outcome.changed == [])
    #expect(outcome.warnings.count == 1)
  }

  @Test func `readers see the old values or the new, never a mixture`() async throws {
    let store = try store("service: {name: '0', tags: '0'}")
    await withTaskGroup { group in
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<300 {
            let values = store.current
            #expect(values[Sample.tags] == [values[Sample.name]])
          }
        }
      }
      for number in 1...100 {
        scratch.write("next.yaml", "service: {name: '\(number)', tags: '\(number)'}")
        scratch.rename("next.yaml", to: "assay.yaml")
        _ = try? store.reload()
      }
    }
    #expect(store.current[Sample.name] == "100")
    #expect(store.current.version == 101)
  }
}
