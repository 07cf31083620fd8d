/// Version 3: verdicts in the order of their scores, and indexes without a key that SQLite adds to
/// each entry anyway: what that saves pays for nearly half of the new one.
///
/// Made anew from the rows, some seconds for each million of verdicts.
enum SchemaOfSearches {
  static let sql = """
    CREATE INDEX verdicts_by_score ON verdicts (product, subject_kind, score);

    DROP INDEX verdicts_by_unit_key;
    CREATE INDEX verdicts_by_unit_key ON verdicts (product, unit_key)
      WHERE unit_key IS NOT NULL;

    DROP INDEX verdicts_by_subject;
    CREATE INDEX verdicts_by_subject ON verdicts (product, subject_kind, subject_id)
      WHERE subject_kind IS NOT NULL;
    """
}
