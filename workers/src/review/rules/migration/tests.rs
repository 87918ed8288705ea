//! Statements and frameworks.

use super::is_migration;
use crate::review::rules::tests::{check_text, fires, silent};
use flotilla_jobs::kinds::Severity;

const PATH: &str = "db/migrations/0007_users.sql";

#[test]
fn a_path_tells_a_migration() {
    for path in [
        PATH,
        "db/migrate/20240101_a.rb",
        "V2__a.sql",
        "sql/001_a.sql",
        "app/migrations/0002_b.py",
        "alembic/versions/a.py",
    ] {
        assert!(is_migration(path), "{path}");
    }
    for path in ["src/query.sql", "src/migration.rs", "migrations/1.down.sql", "docs/migrating.md", "version.sql"] {
        assert!(!is_migration(path), "{path}");
    }
}

#[test]
fn statements_that_lose_data_or_lock() {
    fires(
        "migration/drop",
        PATH,
        &["DROP TABLE users;", "alter table a\n  drop column b;", "DROP TABLE IF EXISTS a CASCADE;"],
    );
    silent(
        "migration/drop",
        PATH,
        &[
            "CREATE TABLE a (b int);\nDROP TABLE a;",
            "-- DROP TABLE a;",
            "DROP INDEX a;",
            "SELECT 'DROP TABLE a';",
            "DROP TABLE tmp_a;",
            "-- +goose Down\nDROP TABLE a;",
        ],
    );
    silent("migration/drop", "src/query.sql", &["DROP TABLE users;"]);
    fires(
        "migration/retype",
        PATH,
        &[
            "ALTER TABLE a ALTER COLUMN b TYPE bigint;",
            "ALTER TABLE a ALTER b SET DATA TYPE text;",
            "ALTER TABLE a MODIFY COLUMN b INT;",
        ],
    );
    fires("migration/not-null", PATH, &["ALTER TABLE a ADD COLUMN b text NOT NULL;"]);
    silent(
        "migration/not-null",
        PATH,
        &[
            "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT '';",
            "ALTER TABLE a ADD COLUMN b text;",
            "CREATE TABLE a (b text NOT NULL);",
        ],
    );
    fires("migration/index", PATH, &["CREATE INDEX i ON a (b);", "CREATE UNIQUE INDEX i ON a (b);"]);
    silent(
        "migration/index",
        PATH,
        &[
            "CREATE INDEX CONCURRENTLY i ON a (b);",
            "CREATE TABLE IF NOT EXISTS s.a (b int);\nCREATE INDEX i ON a (b);",
            "CREATE INDEX i ON `a` (b);",
        ],
    );
    silent("migration/index", "sqlite/migrations/1.sql", &["CREATE INDEX i ON a (b);"]);
    fires(
        "migration/constraint",
        PATH,
        &[
            "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (e);",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);",
        ],
    );
    silent(
        "migration/constraint",
        PATH,
        &[
            "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;",
            "ALTER TABLE a ADD CONSTRAINT c UNIQUE USING INDEX i;",
        ],
    );
    fires("migration/rename", PATH, &["ALTER TABLE a RENAME COLUMN b TO c;", "ALTER TABLE a RENAME TO b;"]);
    silent("migration/rename", PATH, &["ALTER TABLE a RENAME CONSTRAINT b TO c;"]);
    fires("migration/truncate", PATH, &["TRUNCATE a;"]);
    fires("migration/lock", PATH, &["LOCK TABLE a IN EXCLUSIVE MODE;"]);
    fires("migration/no-where", PATH, &["UPDATE a SET b = 1;", "DELETE FROM a;"]);
    silent(
        "migration/no-where",
        PATH,
        &[
            "UPDATE a SET b = 1 WHERE c;",
            "DELETE FROM a\nWHERE b;",
            "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\nUPDATE a SET b = 1;\nEND\n$$ LANGUAGE plpgsql;",
        ],
    );
}

#[test]
fn rules_of_one_database_are_milder_where_it_is_not_known() {
    let severity = |text| check_text(PATH, text)[0].severity;
    assert_eq!(severity("CREATE INDEX i ON a (b);"), Severity::Low);
    assert_eq!(severity("SET lock_timeout = '1s';\nCREATE INDEX i ON a (b);"), Severity::Medium);
}

#[test]
fn the_finding_is_on_the_line_with_the_words() {
    let found = check_text(PATH, "SELECT 1; ALTER TABLE a\n    ADD COLUMN c int,\n    DROP COLUMN b;\n");
    assert_eq!(found.iter().map(|f| (f.rule.as_str(), f.start_line)).collect::<Vec<_>>(), [("migration/drop", 3)]);
}

#[test]
fn frameworks() {
    fires("migration/drop", "db/migrate/20240101_a.rb", &["def change\n  remove_column :a, :b\nend"]);
    silent("migration/drop", "db/migrate/20240101_a.rb", &["def down\n  drop_table :a\nend"]);
    fires("migration/drop", "app/migrations/0002_b.py", &["        migrations.RemoveField("]);
    fires("migration/drop", "alembic/versions/a.py", &["def upgrade():\n    op.drop_column('a', 'b')"]);
    silent("migration/drop", "alembic/versions/a.py", &["def downgrade():\n    op.drop_column('a', 'b')"]);
    silent("migration/drop", "src/a.py", &["op.drop_column('a', 'b')"]);
    fires(
        "migration/rename",
        "migrations/1.js",
        &["exports.up = (k) => k.schema.table('a', (t) => t.renameColumn('b', 'c'))"],
    );
}
