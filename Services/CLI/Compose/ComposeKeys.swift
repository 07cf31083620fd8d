/// What becomes of each key of the Compose specification.
enum KeyTreatment: Equatable, Sendable {
  case used
  /// Accepted; a plain process has nothing it could mean, for this reason.
  case noEffect(String)
  /// It would change what runs, and we cannot do it: refused, with what to do instead.
  case refused(String)
}

/// The keys of the Compose specification, level by level.
enum ComposeKeys {
  static let top: [String: KeyTreatment] = [
    "name": .used, "services": .used, "volumes": .used, "secrets": .used,
    "version": .noEffect("obsolete in the Compose specification"),
    "networks": .noEffect("plain processes share this machine's network"),
    "configs": .noEffect("only counts where a service uses one"),
    "models": .refused("name the model's endpoint in environment"),
    "include": .refused("write the included services into this file"),
  ]

  static let service: [String: KeyTreatment] = {
    var table = serviceUsed
    for (reason, keys) in serviceWithoutEffect {
      for key in keys { table[key] = .noEffect(reason) }
    }
    return table.merging(serviceRefused.mapValues(KeyTreatment.refused)) { used, _ in used }
  }()

  private static let serviceUsed: [String: KeyTreatment] = Dictionary(
    uniqueKeysWithValues: [
      "command", "entrypoint", "environment", "volumes", "tmpfs", "depends_on", "restart",
      "healthcheck", "deploy", "scale", "secrets", "stop_grace_period", "working_dir", "profiles",
    ].map { ($0, .used) })

  private static let serviceWithoutEffect: [(reason: String, keys: [String])] = [
    (
      "plain processes run from the executables beside assay",
      [
        "image", "build", "platform", "pull_policy", "container_name", "labels", "label_file",
        "annotations", "attach", "develop", "runtime",
      ]
    ),
    (
      "plain processes share this machine's network",
      [
        "network_mode", "networks", "ports", "expose", "links", "external_links", "extra_hosts",
        "dns", "dns_opt", "dns_search", "domainname", "hostname", "mac_address",
      ]
    ),
    (
      "plain processes run as you, with your rights",
      [
        "user", "group_add", "cap_add", "cap_drop", "privileged", "read_only", "security_opt",
        "userns_mode", "device_cgroup_rules", "devices", "gpus", "isolation", "ipc", "pid", "uts",
        "cgroup", "cgroup_parent",
      ]
    ),
    (
      "plain processes have no limits of their own",
      [
        "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "oom_kill_disable",
        "oom_score_adj", "pids_limit", "cpus", "cpuset", "cpu_count", "cpu_percent", "cpu_period",
        "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "blkio_config", "shm_size",
        "storage_opt", "sysctls", "ulimits",
      ]
    ),
    ("assay keeps each replica's output in a file of its own", ["logging"]),
    ("plain processes are reaped by assay", ["init", "stdin_open", "tty"]),
  ]

  private static let serviceRefused = [
    "env_file": "write the variables under environment",
    "extends": "share keys with an anchor and <<: *name",
    "configs": "mount the file under volumes",
    "volumes_from": "mount the volumes under volumes",
    "credential_spec": "give the credentials as secrets",
    "models": "name the model's endpoint in environment",
    "provider": "run it as a service of its own",
    "post_start": "do it in the program itself",
    "pre_stop": "do it in the program itself, on SIGTERM",
    "stop_signal": "handle SIGTERM",
    "use_api_socket": "mount the socket under volumes",
  ]

  static let healthcheck: [String: KeyTreatment] = [
    "test": .used, "interval": .used, "timeout": .used, "retries": .used, "start_period": .used,
    "disable": .used, "start_interval": .noEffect("a replica is asked often until it is ready"),
  ]

  static let deploy: [String: KeyTreatment] = {
    let reason = "only counts on a cluster"
    return [
      "replicas": .used, "update_config": .used, "mode": .used,
      "resources": .noEffect("plain processes have no limits of their own"),
      "restart_policy": .refused("write restart: on the service"),
      "endpoint_mode": .noEffect(reason), "labels": .noEffect(reason),
      "placement": .noEffect(reason), "rollback_config": .noEffect(reason),
    ]
  }()

  static let updateConfig: [String: KeyTreatment] = {
    let reason = "replicas are restarted one after another"
    return [
      "order": .used, "parallelism": .noEffect(reason), "delay": .noEffect(reason),
      "failure_action": .noEffect(reason), "monitor": .noEffect(reason),
      "max_failure_ratio": .noEffect(reason),
    ]
  }()

  static let dependency: [String: KeyTreatment] = [
    "condition": .used, "required": .used, "restart": .noEffect("services find each other again"),
  ]

  static let mount: [String: KeyTreatment] = {
    let reason = "only counts for a container's mount"
    return [
      "type": .used, "source": .used, "target": .used, "read_only": .used,
      "bind": .noEffect(reason), "volume": .noEffect(reason), "tmpfs": .noEffect(reason),
      "consistency": .noEffect(reason), "image": .noEffect(reason),
    ]
  }()

  static let volume: [String: KeyTreatment] = {
    let reason = "a volume is a folder of this machine"
    return [
      "driver_opts": .used, "driver": .noEffect(reason), "external": .noEffect(reason),
      "labels": .noEffect(reason), "name": .noEffect(reason),
    ]
  }()

  static let secret: [String: KeyTreatment] = [
    "file": .used, "name": .noEffect("a secret is a file of this machine"),
    "labels": .noEffect("a secret is a file of this machine"),
    "environment": .refused("give the secret as file:"),
    "external": .refused("give the secret as file:"),
  ]

  static let secretUse: [String: KeyTreatment] = [
    "source": .used, "target": .used, "uid": .noEffect("plain processes run as you"),
    "gid": .noEffect("plain processes run as you"),
    "mode": .noEffect("the file keeps its own mode"),
  ]
}
