/// Version 1: products, runs and their log, verdicts, and what stands beside them.
///
/// Long names stand in one place each: `products.key`, `runs.key`, `units.key` and
/// `verdicts.key` are what other tables and indexes say. What changes often is small and lives
/// apart from what never does, so that a change rewrites few pages. Numbers of states are those
/// of the protos.
enum SchemaOfFacts {
  static let sql = runs + units + verdicts + log + beside

  private static let runs = """
    CREATE TABLE products (
      key INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63)
    ) STRICT;

    CREATE TABLE runs (
      key INTEGER PRIMARY KEY,
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      workload TEXT NOT NULL,
      spec_hash TEXT NOT NULL CHECK (spec_hash <> ''),
      idempotency_key TEXT CHECK (idempotency_key <> ''),
      options BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 11),
      reason TEXT NOT NULL,
      requested INTEGER NOT NULL CHECK (requested BETWEEN 0 AND 4),
      generation INTEGER NOT NULL CHECK (generation >= 0),
      last_seq INTEGER NOT NULL CHECK (last_seq >= 0),
      planned INTEGER NOT NULL,
      succeeded INTEGER NOT NULL CHECK (succeeded >= 0),
      failed INTEGER NOT NULL CHECK (failed >= 0),
      undetermined INTEGER NOT NULL CHECK (undetermined >= 0),
      skipped INTEGER NOT NULL CHECK (skipped >= 0),
      attempts INTEGER NOT NULL,
      lost_attempts INTEGER NOT NULL CHECK (lost_attempts BETWEEN 0 AND attempts),
      cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),
      input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
      output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
      chain BLOB NOT NULL CHECK (length(chain) = 16),
      UNIQUE (product, id),
      CHECK (succeeded + failed + undetermined + skipped <= planned),
      CHECK (state <> 7 OR succeeded + failed + undetermined + skipped = planned)
    ) STRICT;
    CREATE UNIQUE INDEX runs_by_idempotency_key ON runs (product, idempotency_key)
      WHERE idempotency_key IS NOT NULL;
    CREATE INDEX runs_by_age ON runs (product, key);
    CREATE INDEX runs_wanting_owner ON runs (key)
      WHERE requested <> 0 OR state IN (1, 2, 4, 6);

    CREATE TABLE run_bodies (
      run INTEGER PRIMARY KEY REFERENCES runs (key),
      spec BLOB NOT NULL,
      outcome BLOB NOT NULL
    ) STRICT;

    CREATE TABLE stages (
      run INTEGER NOT NULL REFERENCES runs (key),
      position INTEGER NOT NULL CHECK (position >= 0),
      name TEXT NOT NULL,
      state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 8),
      is_fail_fast INTEGER NOT NULL CHECK (is_fail_fast IN (0, 1)),
      reason TEXT NOT NULL,
      PRIMARY KEY (run, position)
    ) STRICT, WITHOUT ROWID;

    """

  private static let units = """
    CREATE TABLE units (
      key INTEGER PRIMARY KEY,
      run INTEGER NOT NULL REFERENCES runs (key),
      ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
      id TEXT NOT NULL CHECK (id <> ''),
      stage INTEGER NOT NULL CHECK (stage >= 0),
      unit_key TEXT NOT NULL,
      subject_kind TEXT,
      subject_id TEXT,
      subject_hash TEXT,
      rubric_hash TEXT NOT NULL,
      batch_group TEXT NOT NULL,
      payload BLOB NOT NULL,
      UNIQUE (run, id),
      UNIQUE (run, ordinal),
      CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
    ) STRICT;

    CREATE TABLE unit_states (
      unit INTEGER PRIMARY KEY REFERENCES units (key),
      state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
      skip_reason INTEGER NOT NULL CHECK (skip_reason BETWEEN 0 AND 6),
      failure BLOB,
      verdict INTEGER REFERENCES verdicts (key),
      tries INTEGER NOT NULL CHECK (tries >= 0),
      batch TEXT NOT NULL,
      CHECK (state <> 2 OR verdict IS NOT NULL),
      CHECK (state <> 3 OR (failure IS NOT NULL AND verdict IS NULL)),
      CHECK ((state = 5) = (skip_reason <> 0)),
      CHECK ((skip_reason = 1) = (state = 5 AND verdict IS NOT NULL))
    ) STRICT;

    """

  // A verdict's run finds it through the log, whose line `seq` names it: an index of its own would
  // be one more page in every commit.
  private static let verdicts = """
    CREATE TABLE verdicts (
      key INTEGER PRIMARY KEY,
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      run INTEGER NOT NULL REFERENCES runs (key),
      seq INTEGER NOT NULL CHECK (seq >= 1),
      unit INTEGER NOT NULL REFERENCES units (key),
      unit_key TEXT,
      subject_kind TEXT,
      subject_id TEXT,
      subject_hash TEXT,
      rubric_hash TEXT NOT NULL,
      model TEXT NOT NULL,
      score REAL,
      at INTEGER NOT NULL,
      body BLOB NOT NULL,
      chain BLOB NOT NULL CHECK (length(chain) = 16),
      UNIQUE (product, id),
      CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
    ) STRICT;
    CREATE INDEX verdicts_by_unit_key ON verdicts (product, unit_key, key)
      WHERE unit_key IS NOT NULL;
    CREATE INDEX verdicts_by_subject ON verdicts (product, subject_kind, subject_id, key)
      WHERE subject_kind IS NOT NULL;
    CREATE TRIGGER verdicts_are_never_changed BEFORE UPDATE ON verdicts
      BEGIN SELECT RAISE (ABORT, 'verdicts are append-only'); END;
    CREATE TRIGGER verdicts_are_never_deleted BEFORE DELETE ON verdicts
      BEGIN SELECT RAISE (ABORT, 'verdicts are append-only'); END;

    """

  private static let log = """
    CREATE TABLE attempts (
      run INTEGER NOT NULL REFERENCES runs (key),
      call_key TEXT NOT NULL CHECK (call_key <> ''),
      seq INTEGER NOT NULL,
      state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
      model TEXT NOT NULL,
      cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),
      PRIMARY KEY (run, call_key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE events (
      run INTEGER NOT NULL REFERENCES runs (key),
      seq INTEGER NOT NULL CHECK (seq >= 1),
      at INTEGER NOT NULL,
      body BLOB NOT NULL,
      verdict INTEGER REFERENCES verdicts (key),
      PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE commits (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      digest BLOB NOT NULL CHECK (length(digest) = 32),
      first_seq INTEGER NOT NULL CHECK (first_seq >= 1),
      last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
      at INTEGER NOT NULL,
      PRIMARY KEY (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE leases (
      product INTEGER NOT NULL REFERENCES products (key),
      name TEXT NOT NULL CHECK (name <> ''),
      session TEXT NOT NULL,
      token INTEGER NOT NULL CHECK (token >= 1),
      PRIMARY KEY (product, name)
    ) STRICT, WITHOUT ROWID;

    """

  private static let beside = """
    CREATE TABLE subjects (
      product INTEGER NOT NULL REFERENCES products (key),
      kind TEXT NOT NULL CHECK (kind <> ''),
      id TEXT NOT NULL CHECK (id <> ''),
      content_hash TEXT NOT NULL,
      first_seen_at INTEGER NOT NULL,
      PRIMARY KEY (product, kind, id, content_hash)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE rubrics (
      product INTEGER NOT NULL REFERENCES products (key),
      hash TEXT NOT NULL CHECK (hash <> ''),
      name TEXT NOT NULL CHECK (name <> ''),
      version INTEGER NOT NULL CHECK (version >= 0),
      body BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (product, hash)
    ) STRICT;

    CREATE TABLE labels (
      key INTEGER PRIMARY KEY,
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      rubric_name TEXT NOT NULL CHECK (rubric_name <> ''),
      subject_kind TEXT NOT NULL CHECK (subject_kind <> ''),
      subject_id TEXT NOT NULL CHECK (subject_id <> ''),
      body BLOB NOT NULL,
      UNIQUE (product, id)
    ) STRICT;
    CREATE INDEX labels_by_subject
      ON labels (product, rubric_name, subject_kind, subject_id, key);
    """
}
