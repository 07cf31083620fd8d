/// The store's file as it lies there, read with SQL of the proof's own.
enum ProofDatabase {
  /// What is wrong with it; empty when nothing is.
  static func findings(in folder: String) throws -> [String] {
    []
  }
}
