//! The rules about SQL statements.

use super::{StatementRule, statement};
use crate::review::rules::catalog::RuleInfo;
use flotilla_jobs::kinds::{Category, Severity};
use std::sync::LazyLock;

const fn rule(id: &'static str, severity: Severity, title: &'static str, why: &'static str) -> RuleInfo {
    RuleInfo::new(id, severity, Category::Data, title, why)
}

pub static DROP: RuleInfo = rule(
    "migration/drop",
    Severity::Medium,
    "A migration that drops data",
    "The data is gone, and the version that still runs during the rollout fails. First release a version that does \
     not use it, then drop it.",
);
pub static RETYPE: RuleInfo = rule(
    "migration/retype",
    Severity::Medium,
    "A column changes its type",
    "Most changes of a type rewrite the table under a lock that stops reads. Add a column, fill it in batches, switch.",
);
pub static NOT_NULL: RuleInfo = rule(
    "migration/not-null",
    Severity::High,
    "A required column without a default",
    "It fails on a table that has rows. Give a default, or add it as nullable, fill it, and require it then.",
);
pub static INDEX: RuleInfo = rule(
    "migration/index",
    Severity::Medium,
    "An index built under a lock",
    "PostgreSQL stops writes to the table while it builds. Use `CREATE INDEX CONCURRENTLY`, outside a transaction.",
);
pub static CONSTRAINT: RuleInfo = rule(
    "migration/constraint",
    Severity::Medium,
    "A constraint checked under a lock",
    "PostgreSQL reads the whole table while writes wait. Add it with `NOT VALID` and validate it in a later migration; \
     for unique ones build the index concurrently and use it.",
);
pub static RENAME: RuleInfo = rule(
    "migration/rename",
    Severity::Medium,
    "A rename breaks what still runs",
    "The version that runs during the rollout uses the old name. Add the new one, write both, switch, then drop.",
);
pub static TRUNCATE: RuleInfo = rule(
    "migration/truncate",
    Severity::High,
    "A migration that empties a table",
    "All rows are gone, at once for every version that runs. Delete what is known to be unused, and keep a backup.",
);
pub static LOCK: RuleInfo = rule(
    "migration/lock",
    Severity::Medium,
    "A table is locked by hand",
    "Everything that uses the table waits until the migration is done. Set a `lock_timeout`, or do without.",
);
pub static NO_WHERE: RuleInfo = rule(
    "migration/no-where",
    Severity::Medium,
    "Changes every row of a table",
    "One statement over all rows holds locks and grows the log for as long as it takes. Say which rows, in batches.",
);

pub const RULES: &[&RuleInfo] = &[&DROP, &RETYPE, &NOT_NULL, &INDEX, &CONSTRAINT, &RENAME, &TRUNCATE, &LOCK, &NO_WHERE];

/// `<alter>` is the start of an `ALTER TABLE`. Anchored, so that the bodies of functions and what follows `ON` are not taken for statements.
pub static STATEMENTS: LazyLock<Vec<StatementRule>> = LazyLock::new(|| {
    let rule = |info, regex: &str, unless: &str, postgres| {
        let compile = |regex: &str| statement::compile(&regex.replace("<alter>", r"\A\s*ALTER\s+TABLE\s.*?"));
        let unless = (!unless.is_empty()).then(|| compile(unless));
        StatementRule { info, regex: compile(regex), unless, postgres }
    };
    vec![
        rule(
            &DROP,
            r"\A\s*DROP\s+(?:TABLE|SCHEMA|DATABASE)\b",
            r"\A\s*DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:temp|tmp)_",
            false,
        ),
        rule(&DROP, r"<alter>\bDROP\s+COLUMN\b", "", false),
        rule(
            &RETYPE,
            r"<alter>\b(?:ALTER\s+(?:COLUMN\s+)?\S+\s+(?:SET\s+DATA\s+)?TYPE|MODIFY\s+(?:COLUMN\s)?|CHANGE\s+COLUMN)\b",
            "",
            false,
        ),
        rule(
            &NOT_NULL,
            r"<alter>\bADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?[^,;]*?\bNOT\s+NULL\b",
            r"\b(?:DEFAULT|GENERATED|SERIAL|BIGSERIAL|AUTO_INCREMENT|CHECK|CONSTRAINT|IDENTITY)\b",
            false,
        ),
        rule(&INDEX, r"\A\s*CREATE\s+(?:UNIQUE\s+)?INDEX\b", r"\bCONCURRENTLY\b|\bON\s+ONLY\b", true),
        rule(
            &CONSTRAINT,
            r"<alter>\bADD\s+CONSTRAINT\s+\S+\s+(?:FOREIGN\s+KEY|CHECK|UNIQUE|PRIMARY\s+KEY)\b",
            r"\bNOT\s+VALID\b|\bUSING\s+INDEX\b",
            true,
        ),
        rule(&RENAME, r"<alter>\bRENAME\s+(?:COLUMN\b|TO\b|\S+\s+TO\b)", r"\bRENAME\s+CONSTRAINT\b", false),
        rule(&TRUNCATE, r"\A\s*TRUNCATE\b", "", false),
        rule(&LOCK, r"\A\s*LOCK\s+(?:TABLE\b|TABLES\b|\S+\s+IN\b)", "", false),
        rule(&NO_WHERE, r"\A\s*(?:DELETE\s+FROM|UPDATE)\b", r"\b(?:WHERE|LIMIT|JOIN|USING)\b", false),
    ]
});
