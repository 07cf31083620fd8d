/// Sizes: what does not fit is two things.
enum BudgetRules {
  static let all = [fileLines, functionLines, columns, mainLines, moduleLines, folders]

  /// Endings of what people write by hand; data and prose have no length limit.
  private static let code = [".swift", ".c", ".h", ".py", ".sh", ".proto"]

  private static func isCode(_ file: SourceFile) -> Bool {
    !file.isGenerated && (code.contains { file.name.hasSuffix($0) } || !file.name.contains("."))
  }

  static let fileLines = Rule(
    name: "file-length", purpose: "At most \(House.fileLinesMax) lines a file: split by aspect."
  ) { tree in
    tree.files.filter { isCode($0) && $0.lineCount > House.fileLinesMax }.map { file in
      file.violation("file-length", line: House.fileLinesMax + 1, "\(file.lineCount) lines")
    }
  }

  static let functionLines = Rule.perSwiftFile(
    "function-length", "At most \(House.functionLinesMax) lines a function: name its steps."
  ) { file in
    FunctionScan(file).spans.filter { $0.lineCount > House.functionLinesMax }.map { span in
      file.violation(
        "function-length", line: span.firstLine, "\(span.name) has \(span.lineCount) lines")
    }
  }

  static let columns = Rule(
    name: "line-length", purpose: "At most \(House.columnsMax) columns."
  ) { tree in
    tree.files.filter(isCode).flatMap { file in
      file.lines.enumerated().compactMap { index, line in
        guard line.utf8.count > House.columnsMax, line.count > House.columnsMax else { return nil }
        return file.violation("line-length", line: index + 1, "\(line.count) columns")
      }
    }
  }

  static let mainLines = Rule(
    name: "main-length",
    purpose: "Main reads configuration, builds and runs, in \(House.mainLinesMax) lines."
  ) { tree in
    lengths(of: tree).compactMap { module, lines, first in
      guard case .main = module.role, lines > House.mainLinesMax else { return nil }
      return first.violation("main-length", line: 1, "\(module.name) has \(lines) lines")
    }
  }

  static let moduleLines = Rule(
    name: "module-length", purpose: "At most \(House.moduleLinesMax) lines a module: cut a wall."
  ) { tree in
    lengths(of: tree).compactMap { module, lines, first in
      guard lines > House.moduleLinesMax else { return nil }
      return first.violation("module-length", line: 1, "\(module.name) has \(lines) lines")
    }
  }

  private static func lengths(
    of tree: SourceTree
  ) -> [(module: Module, lines: Int, first: SourceFile)] {
    var found: [String: (module: Module, lines: Int, first: SourceFile)] = [:]
    for file in tree.swiftFiles where !file.isGenerated {
      guard let module = Architecture.module(holding: file.path) else { continue }
      found[module.name, default: (module, 0, file)].lines += file.lineCount
    }
    return found.values.sorted { $0.module.name < $1.module.name }
  }

  static let folders = Rule(
    name: "folder-depth",
    purpose: "At most \(House.foldersUnderModuleMax) levels of folders under a module."
  ) { tree in
    tree.swiftFiles.compactMap { file in
      guard let module = Architecture.module(holding: file.path) else { return nil }
      let depth = file.path.dropFirst(module.path.count + 1).split(separator: "/").count - 1
      guard depth > House.foldersUnderModuleMax else { return nil }
      return file.violation("folder-depth", line: 1, "\(depth) levels under \(module.path)")
    }
  }
}
