package final class DirectoryWatch {
  package init(_ p: String, on: EventLoop, onChange: @escaping () -> Void) {}
  package static func entries(of: String, suffix: String) -> [String] { [] }
  package func close() {}
}
