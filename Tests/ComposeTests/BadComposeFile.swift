/// Compose files that are refused.
enum BadComposeFile {
  /// What is wrong, the line it is on, what is said of it and the hint.
  static let all: [(text: String, line: Int, message: String, hint: String?)] = [
    ("", 1, "a compose file must be a mapping, not nothing", nil),
    ("[]", 1, "a compose file must be a mapping, not a list", nil),
    ("a: [", 2, "did not find expected node content", nil),
    ("x-a: 1", 1, "there is no mapping services", "services:\n  store:\n    command: …"),
    ("services: {}", 1, "services is empty", nil),
    ("services: [a]", 1, "services must be a mapping, not a list", nil),
    (
      "servcies: {}", 1, "servcies is not a key of the Compose specification",
      "did you mean services?"
    ),
    (
      "include: [a.yaml]\nservices: {a: {command: x}}", 1, "include is not supported by assay up",
      "write the included services into this file"
    ),
    (
      "services:\n  a:\n    comand: x", 3,
      "services.a.comand is not a key of the Compose specification",
      "did you mean command?"
    ),
    (
      "services:\n  a:\n    xyzzy: x", 3,
      "services.a.xyzzy is not a key of the Compose specification",
      "own keys begin with x-"
    ),
    (
      "services:\n  a:\n    env_file: .env", 3, "services.a.env_file is not supported by assay up",
      "write the variables under environment"
    ),
    (
      "services:\n  a:\n    image: x", 3, "services.a has no command",
      "an image's own command is not known here: write it"
    ),
    ("services:\n  a: []", 2, "services.a must be a mapping, not a list", nil),
    (
      "services:\n  ../a: {command: x}", 2, "../a is no name for a service",
      "letters, digits, - and _"
    ),
    ("services: {a: {command: \"x 'y\"}}", 1, "a quote in services.a.command is never closed", nil),
    (
      "services: {a: {command: {x: y}}}", 1,
      "services.a.command must be a plain value, not a mapping", nil
    ),
    (
      "services: {a: {command: [[x]]}}", 1, "services.a.command must be a plain value, not a list",
      nil
    ),
    ("services: {a: {command: \"x\\0y\"}}", 1, "a value cannot hold a NUL", nil),
    (
      "services: {a: {command: x, environment: 5}}", 1,
      "services.a.environment must be a list, not a plain value", nil
    ),
    (
      "services: {a: {command: x, environment: [A=1, A=2]}}", 1,
      "services.a.environment sets A twice", nil
    ),
    (
      "services: {a: {command: x, environment: [\"=1\"]}}", 1,
      "services.a.environment has a variable without a proper name", nil
    ),
    (
      "services: {a: {command: x, environment: {A: [1]}}}", 1,
      "services.a.environment.A must be a plain value, not a list", nil
    ),
    (
      "services:\n  a:\n    command: ${NAME:?set it}", 3, "NAME is not set: set it", "export NAME=…"
    ),
    (
      "services: {a: {command: \"$ x\"}}", 1, "a $ must be followed by a variable's name",
      "write $$ for a dollar sign"
    ),
    (
      "services: {a: {command: x, restart: sometimes}}", 1,
      "services.a.restart is not understood: sometimes",
      "no, always, unless-stopped, on-failure or on-failure:5"
    ),
    (
      "services: {a: {command: x, restart: \"on-failure:-1\"}}", 1,
      "services.a.restart is not understood: on-failure:-1",
      "no, always, unless-stopped, on-failure or on-failure:5"
    ),
    (
      "services: {a: {command: x, scale: 33}}", 1, "services.a.scale must be a number from 0 to 32",
      nil
    ),
    (
      "services: {a: {command: x, scale: two}}", 1,
      "services.a.scale must be a number from 0 to 32", nil
    ),
    (
      "services: {a: {command: x, deploy: {replicas: -1}}}", 1,
      "services.a.deploy.replicas must be a number from 0 to 32", nil
    ),
    (
      "services: {a: {command: x, deploy: {mode: global}}}", 1,
      "services.a.deploy.mode must be replicated", nil
    ),
    (
      "services: {a: {command: x, deploy: {restart_policy: {}}}}", 1,
      "services.a.deploy.restart_policy is not supported by assay up",
      "write restart: on the service"
    ),
    (
      "services: {a: {command: x, deploy: {update_config: {order: both}}}}", 1,
      "services.a.deploy.update_config.order must be start-first or stop-first", nil
    ),
    (
      "services: {a: {command: x, stop_grace_period: 5}}", 1,
      "services.a.stop_grace_period must be a time", "5s, 1m30s, 500ms"
    ),
    (
      "services: {a: {command: x, healthcheck: {test: [ls]}}}", 1,
      "services.a.healthcheck.test is not understood", "[\"CMD\", \"program\", …] or [\"NONE\"]"
    ),
    (
      "services: {a: {command: x, healthcheck: {test: [CMD]}}}", 1,
      "services.a.healthcheck.test is not understood", "[\"CMD\", \"program\", …] or [\"NONE\"]"
    ),
    (
      "services: {a: {command: x, healthcheck: {disable: maybe}}}", 1,
      "services.a.healthcheck.disable must be true or false", nil
    ),
    (
      "services: {a: {command: x, healthcheck: {retires: 1}}}", 1,
      "services.a.healthcheck.retires is not a key of the Compose specification",
      "did you mean retries?"
    ),
    (
      "services:\n  a:\n    command: x\n    depends_on: [b]", 2,
      "services.a depends on b, which is no service", nil
    ),
    (
      "services:\n  abc: {command: x}\n  d: {command: x, depends_on: [abd]}", 3,
      "services.d depends on abd, which is no service", "did you mean abc?"
    ),
    (
      "services:\n  a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [a]}", 2,
      "these services depend on each other in a circle: a, b", nil
    ),
    (
      "services: {a: {command: x, depends_on: [a]}}", 1,
      "these services depend on each other in a circle: a", nil
    ),
    (
      "services: {a: {command: x, depends_on: {a: {condition: service_completed_successfully}}}}",
      1,
      "services.a.depends_on.a.condition: service_completed_successfully is not supported by"
        + " assay up",
      "do the work in the service that needs it"
    ),
    (
      "services: {a: {command: x, volumes: [\"v:/x\"]}}\nvolumes: {vol: }", 1,
      "services.a mounts v, which is not under volumes:", "a path begins with / or ./"
    ),
    (
      "services: {a: {command: x, volumes: [\"dat:/x\"]}}\nvolumes: {data: }", 1,
      "services.a mounts dat, which is not under volumes:", "did you mean data?"
    ),
    (
      "services: {a: {command: x, volumes: [\"/x:y\"]}}", 1,
      "services.a.volumes: y must be an absolute path below /", nil
    ),
    (
      "services: {a: {command: x, volumes: [\"/x:/\"]}}", 1,
      "services.a.volumes: / must be an absolute path below /", nil
    ),
    (
      "services: {a: {command: x, volumes: [\"/x:/y:rx\"]}}", 1,
      "services.a.volumes: there is no option rx", "ro or rw"
    ),
    (
      "services: {a: {command: x, volumes: [\"a:b:c:d\"]}}", 1,
      "services.a.volumes: a:b:c:d is not understood", "volume:/path or volume:/path:ro"
    ),
    (
      "services: {a: {command: x, volumes: [\"~/x:/y\"]}}", 1,
      "services.a.volumes: ~ is not expanded",
      "write ${HOME}/x"
    ),
    ("services: {a: {command: x, volumes: [/y, /y]}}", 1, "services.a mounts /y twice", nil),
    (
      "services: {a: {command: x, volumes: [{type: npipe, target: /x}]}}", 1,
      "services.a.volumes.type npipe is not supported by assay up", "volume, bind, tmpfs"
    ),
    (
      "services: {a: {command: x, volumes: [{type: bind, target: /x}]}}", 1,
      "services.a.volumes: a bind needs a source", nil
    ),
    (
      "services: {a: {command: x, secrets: [kye]}}\nsecrets: {key: {file: x}}", 1,
      "services.a.secrets: there is no secret kye", "did you mean key?"
    ),
    (
      "services: {a: {command: x}}\nsecrets: {key: {environment: X}}", 2,
      "secrets.key.environment is not supported by assay up", "give the secret as file:"
    ),
    (
      "services: {a: {command: x}}\nvolumes: {v: {driver_opt: {}}}", 2,
      "volumes.v.driver_opt is not a key of the Compose specification", "did you mean driver_opts?"
    ),
  ]
}
