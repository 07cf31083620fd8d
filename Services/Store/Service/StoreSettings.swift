import Configuration

/// What the store is told at start.
enum StoreSettings {
  static let path = Setting.string(
    "store.path",
    help: "The database: a file, or a folder for it, on a disk of this machine."
  ).optional
  static let backupPath = Setting.string(
    "store.backup-path", help: "The folder for backups; without it there are none."
  ).optional
  static let leaseTTL = Setting.duration(
    "store.lease-ttl", default: .seconds(3), in: .milliseconds(50)...Duration.seconds(600),
    help: "How long a session lives without a sign when it does not say.")
  static let takesNetwork = Setting.bool(
    "store.network-file-system", default: false,
    help: "Keep the database on a network file system, where locks and syncs may be lies.")

  static let all: [any SettingDeclaration] = [path, backupPath, leaseTTL, takesNetwork]
}
