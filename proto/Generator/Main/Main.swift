// assay-protogen: a protoc plugin; proto/generate.sh runs it.
import GeneratorCore
import Glibc

@main struct Main {
  static func main() {
    let generator = Generator { request in
      try PluginProcess.run("protoc-gen-c", request)
    }
    let response = generator.respond(to: PluginProcess.readAll(STDIN_FILENO))
    guard PluginProcess.writeAll(STDOUT_FILENO, response) else { exit(1) }
  }
}
