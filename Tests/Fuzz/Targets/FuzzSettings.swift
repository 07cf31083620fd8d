import Configuration

/// Settings of every kind that needs no other file.
enum FuzzSettings {
  static let level = Setting.choice(
    "log.level", of: ["debug", "info"], default: "info", help: "least level")
  static let workers = Setting.int("service.workers", default: 4, in: 1...64, help: "threads")
  static let timeout = Setting.duration(
    "service.call-timeout", default: .seconds(5), in: .milliseconds(1)...(.seconds(3600)),
    help: "per call")
  static let cache = Setting.bytes(
    "service.cache_size", default: 64 << 20, in: 0...(1 << 30), help: "memory")

  static let reader = ConfigurationReader(
    schema: ConfigurationSchema(
      [
        level, workers, timeout, cache,
        Setting.address("mesh.store", help: "where Store is").optional,
        Setting.string("service.name", default: "unnamed", help: "a name"),
        Setting.bool("service.trace", default: false, help: "trace everything"),
        Setting.secret("service.key_file", help: "the key").optional,
        Setting.list("service.tags", default: [], help: "tags"),
        Setting.map("identity.uids", default: [:], help: "who is who"),
        Setting.int("a.b.c", in: 0...9, help: "three levels down").optional,
      ], foreignSections: ["gateway"]))
}
