/// Version 2: what the five workloads show of their verdicts, as tables of their own.
///
/// Projections, never the truth: each row can be made again from runs and verdicts. What code
/// could get wrong is refused here: scores out of range, composites among the primitives, a
/// second active score of a session.
enum SchemaOfWorkloads {
  static let sql = renovation + columns + triage + norms + sessions

  private static let renovation = """
    CREATE TABLE properties (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      content_hash TEXT NOT NULL,
      address TEXT NOT NULL,
      dwelling TEXT NOT NULL,
      unit_count INTEGER CHECK (unit_count >= 1),
      list_price_cents INTEGER CHECK (list_price_cents >= 0),
      score REAL CHECK (score BETWEEN 1 AND 10),
      verdict INTEGER REFERENCES verdicts (key),
      facts BLOB NOT NULL,
      PRIMARY KEY (product, id),
      CHECK (score IS NULL OR verdict IS NOT NULL)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE rooms (
      product INTEGER NOT NULL,
      property TEXT NOT NULL,
      position INTEGER NOT NULL CHECK (position >= 0),
      kind TEXT NOT NULL CHECK (kind <> ''),
      score INTEGER CHECK (score BETWEEN 1 AND 10),
      detail TEXT NOT NULL,
      PRIMARY KEY (product, property, position),
      FOREIGN KEY (product, property) REFERENCES properties (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE dwelling_units (
      product INTEGER NOT NULL,
      property TEXT NOT NULL,
      position INTEGER NOT NULL CHECK (position >= 0),
      label TEXT NOT NULL,
      score INTEGER CHECK (score BETWEEN 1 AND 10),
      PRIMARY KEY (product, property, position),
      FOREIGN KEY (product, property) REFERENCES properties (product, id)
    ) STRICT, WITHOUT ROWID;

    """

  private static let columns = """
    CREATE TABLE company_profiles (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      name TEXT NOT NULL,
      body BLOB NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE scanners (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      kind TEXT NOT NULL CHECK (kind IN ('rfps', 'meetings', 'buyers', 'schools')),
      name TEXT NOT NULL,
      profile TEXT,
      body BLOB NOT NULL,
      last_scored_at INTEGER,
      PRIMARY KEY (product, id),
      FOREIGN KEY (product, profile) REFERENCES company_profiles (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE scanner_columns (
      product INTEGER NOT NULL,
      scanner TEXT NOT NULL,
      id TEXT NOT NULL CHECK (id <> ''),
      position INTEGER NOT NULL CHECK (position >= 0),
      name TEXT NOT NULL,
      use_case TEXT NOT NULL CHECK (use_case IN (
        'score', 'research', 'decision-makers', 'bid-recommendation', 'find-contacts')),
      is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
      body BLOB NOT NULL,
      PRIMARY KEY (product, scanner, id),
      UNIQUE (product, scanner, position),
      CHECK (is_primary = 0 OR use_case = 'score'),
      FOREIGN KEY (product, scanner) REFERENCES scanners (product, id)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX one_primary_column ON scanner_columns (product, scanner)
      WHERE is_primary = 1;

    CREATE TABLE entities (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      kind TEXT NOT NULL CHECK (kind IN ('contract', 'signal', 'buyer', 'school')),
      content_hash TEXT NOT NULL,
      body BLOB NOT NULL,
      vibe_score REAL CHECK (vibe_score BETWEEN 1 AND 10),
      verdict INTEGER REFERENCES verdicts (key),
      PRIMARY KEY (product, id),
      CHECK (vibe_score IS NULL OR (verdict IS NOT NULL AND kind <> 'signal'))
    ) STRICT, WITHOUT ROWID;

    """

  private static let triage = """
    CREATE TABLE candidates (
      product INTEGER NOT NULL REFERENCES products (key),
      digest TEXT NOT NULL CHECK (digest <> ''),
      id TEXT NOT NULL CHECK (id <> ''),
      content_hash TEXT NOT NULL,
      body BLOB NOT NULL,
      heuristic_rank INTEGER CHECK (heuristic_rank >= 0),
      score INTEGER CHECK (score BETWEEN 0 AND 100),
      is_relevant INTEGER CHECK (is_relevant IN (0, 1)),
      verdict INTEGER REFERENCES verdicts (key),
      PRIMARY KEY (product, digest, id),
      CHECK (score IS NULL OR verdict IS NOT NULL)
    ) STRICT, WITHOUT ROWID;

    """

  private static let norms = """
    CREATE TABLE norms (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      tree_hash TEXT NOT NULL CHECK (tree_hash <> ''),
      title TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE questions (
      product INTEGER NOT NULL REFERENCES products (key),
      hash TEXT NOT NULL CHECK (hash <> ''),
      body BLOB NOT NULL,
      PRIMARY KEY (product, hash)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE norm_nodes (
      product INTEGER NOT NULL,
      norm TEXT NOT NULL,
      node TEXT NOT NULL CHECK (node <> ''),
      kind TEXT NOT NULL CHECK (kind IN ('primitive', 'composite')),
      question TEXT,
      PRIMARY KEY (product, norm, node),
      UNIQUE (product, norm, node, kind),
      CHECK ((kind = 'primitive') = (question IS NOT NULL)),
      FOREIGN KEY (product, norm) REFERENCES norms (product, id),
      FOREIGN KEY (product, question) REFERENCES questions (product, hash)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE use_cases (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      title TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE evaluations (
      product INTEGER NOT NULL,
      id TEXT NOT NULL CHECK (id <> ''),
      use_case TEXT NOT NULL,
      run INTEGER REFERENCES runs (key),
      triggered_at INTEGER NOT NULL,
      completed_at INTEGER CHECK (completed_at >= triggered_at),
      PRIMARY KEY (product, id),
      FOREIGN KEY (product, use_case) REFERENCES use_cases (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE evaluation_results (
      product INTEGER NOT NULL,
      evaluation TEXT NOT NULL,
      norm TEXT NOT NULL,
      node TEXT NOT NULL,
      kind TEXT NOT NULL DEFAULT 'primitive' CHECK (kind = 'primitive'),
      decision INTEGER NOT NULL CHECK (decision IN (1, 2, 3)),
      confidence REAL CHECK (confidence BETWEEN 0 AND 1),
      verdict INTEGER REFERENCES verdicts (key),
      PRIMARY KEY (product, evaluation, norm, node),
      FOREIGN KEY (product, evaluation) REFERENCES evaluations (product, id),
      FOREIGN KEY (product, norm, node, kind)
        REFERENCES norm_nodes (product, norm, node, kind)
    ) STRICT, WITHOUT ROWID;

    """

  private static let sessions = """
    CREATE TABLE sessions (
      product INTEGER NOT NULL REFERENCES products (key),
      id TEXT NOT NULL CHECK (id <> ''),
      chain TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN (
        'pending', 'in_progress', 'completed', 'failed', 'timed_out', 'cancelled')),
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      PRIMARY KEY (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE session_stages (
      product INTEGER NOT NULL,
      session TEXT NOT NULL,
      position INTEGER NOT NULL CHECK (position >= 0),
      kind TEXT NOT NULL CHECK (kind IN (
        'investigation', 'synthesis', 'chat', 'exec_summary', 'scoring', 'action')),
      name TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN (
        'pending', 'active', 'completed', 'partial', 'failed', 'timed_out', 'cancelled',
        'skipped')),
      PRIMARY KEY (product, session, position),
      FOREIGN KEY (product, session) REFERENCES sessions (product, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE executions (
      product INTEGER NOT NULL,
      session TEXT NOT NULL,
      stage INTEGER NOT NULL,
      position INTEGER NOT NULL CHECK (position >= 0),
      agent TEXT NOT NULL,
      state TEXT NOT NULL,
      started_at INTEGER,
      ended_at INTEGER CHECK (ended_at >= started_at),
      PRIMARY KEY (product, session, stage, position),
      FOREIGN KEY (product, session, stage)
        REFERENCES session_stages (product, session, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE timeline_events (
      product INTEGER NOT NULL,
      session TEXT NOT NULL,
      seq INTEGER NOT NULL CHECK (seq >= 1),
      stage INTEGER NOT NULL,
      at INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind <> ''),
      body BLOB NOT NULL,
      PRIMARY KEY (product, session, seq),
      FOREIGN KEY (product, session, stage)
        REFERENCES session_stages (product, session, position)
    ) STRICT;

    CREATE TABLE session_scores (
      product INTEGER NOT NULL,
      id TEXT NOT NULL CHECK (id <> ''),
      session TEXT NOT NULL,
      stage INTEGER,
      rubric_hash TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN (
        'pending', 'in_progress', 'completed', 'failed', 'timed_out', 'cancelled')),
      lease_token INTEGER NOT NULL CHECK (lease_token >= 1),
      total_score INTEGER CHECK (total_score BETWEEN 0 AND 100),
      failure_tags BLOB,
      verdict INTEGER REFERENCES verdicts (key),
      triggered_by TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      completed_at INTEGER CHECK (completed_at >= started_at),
      error_message TEXT,
      PRIMARY KEY (product, id),
      CHECK ((state = 'completed') = (total_score IS NOT NULL)),
      FOREIGN KEY (product, session) REFERENCES sessions (product, id)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX one_active_score ON session_scores (product, session)
      WHERE state IN ('pending', 'in_progress');
    CREATE INDEX scores_by_session ON session_scores (product, session, started_at);
    """
}
