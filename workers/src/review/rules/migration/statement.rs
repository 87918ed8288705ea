//! Splits the rows of a migration into SQL statements.

use crate::review::rules::{pattern::Layer, view::View};
use regex::{Regex, RegexBuilder};
use std::sync::LazyLock;

/// A statement, comments and literals blanked, as it stands on its rows.
#[derive(Default)]
pub struct Statement {
    pub text: String,
    /// Where the text of each row begins, with the row's index.
    rows: Vec<(usize, usize)>,
}

/// Which database the file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Other,
    Unknown,
}

const TABLE: &str = r#"[`"\[]?(?:\w+[`"\]]?\.[`"\[]?)?(\w+)"#;

static CREATES: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"\A\s*CREATE\s+(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED)\s+)*TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{TABLE}"
    ))
});
static TABLE_OF: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"\A\s*(?:ALTER\s+TABLE|DROP\s+TABLE|TRUNCATE(?:\s+TABLE)?|LOCK\s+TABLE|DELETE\s+FROM|UPDATE|CREATE\s+(?:UNIQUE\s+)?INDEX\s.*?\bON)\s+(?:IF\s+EXISTS\s+|ONLY\s+)*{TABLE}"
    ))
});
static DOWN: LazyLock<Regex> = LazyLock::new(|| compile(r"^\s*--\s*(?:\+goose\s+|\+migrate\s+|migrate:|@?)down\b"));
static UP: LazyLock<Regex> = LazyLock::new(|| compile(r"^\s*--\s*(?:\+goose\s+|\+migrate\s+|migrate:|@?)up\b"));
static POSTGRES: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"\b(?:BIGSERIAL|SERIAL|JSONB|TIMESTAMPTZ|BYTEA|gen_random_uuid|uuid_generate_v4|CONCURRENTLY|plpgsql|NOT VALID|lock_timeout|USING\s+(?:gin|gist|brin))\b|::\w",
    )
});
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"\b(?:AUTO_INCREMENT|AUTOINCREMENT|PRAGMA|WITHOUT\s+ROWID|STRICT|ENGINE\s*=|UNSIGNED|NVARCHAR|ALGORITHM\s*=)|`\w+`|\[\w+\]",
    )
});

/// Compiles a pattern over statements: keywords in any case, over any number of lines.
pub fn compile(regex: &str) -> Regex {
    let built = RegexBuilder::new(regex).case_insensitive(true).dot_matches_new_line(true).build();
    built.expect("each rule compiles, as the tests see to")
}

/// The statements that the rows show, without those that undo the migration.
pub fn split(view: &View<'_>) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut current = Statement::default();
    let (mut hunk, mut down) = (0, false);
    let mut dollar: Option<&str> = None;
    for (index, row) in view.rows.iter().enumerate() {
        if row.hunk != hunk {
            statements.push(std::mem::take(&mut current));
            (hunk, dollar) = (row.hunk, None);
        }
        let comment = row.layer(Layer::Comment);
        down = (down || DOWN.is_match(comment)) && !UP.is_match(comment);
        if down {
            continue;
        }
        let mut rest = row.layer(Layer::Code);
        current.rows.push((current.text.len(), index));
        while let Some(at) = rest.find([';', '$']) {
            let (before, from) = rest.split_at(at);
            current.text.push_str(before);
            if let Some(tag) = tag(from) {
                // The body of a function is one literal, with semicolons of its own.
                match dollar {
                    None => dollar = Some(tag),
                    Some(open) if open == tag => dollar = None,
                    Some(_) => {}
                }
                current.text.push_str(tag);
                rest = &from[tag.len()..];
                continue;
            }
            let ends = from.starts_with(';') && dollar.is_none();
            current.text.push_str(&from[..1]);
            rest = &from[1..];
            if ends {
                statements.push(std::mem::take(&mut current));
                current.rows.push((0, index));
            }
        }
        current.text.push_str(rest);
        current.text.push('\n');
    }
    statements.push(current);
    statements
}

/// `$$` or `$name$` at the start of `text`.
fn tag(text: &str) -> Option<&str> {
    let end = text.strip_prefix('$')?.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    text[1 + end..].starts_with('$').then(|| &text[..end + 2])
}

impl Statement {
    /// The table it creates, in lower case and without its schema.
    pub fn creates(&self) -> Option<String> {
        Some(CREATES.captures(&self.text)?[1].to_ascii_lowercase())
    }

    /// The table it is about.
    pub fn table(&self) -> Option<String> {
        Some(TABLE_OF.captures(&self.text)?[1].to_ascii_lowercase())
    }

    /// The row at an offset of the text, if it was added.
    pub fn row_at(&self, view: &View<'_>, offset: usize) -> Option<usize> {
        let at = self.rows.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        self.rows.get(at).map(|(_, index)| *index).filter(|index| view.rows[*index].added)
    }
}

impl Dialect {
    pub fn of(view: &View<'_>, statements: &[Statement]) -> Self {
        let path = view.path.to_ascii_lowercase();
        let has = |regex: &Regex| statements.iter().any(|statement| regex.is_match(&statement.text));
        if ["sqlite", "mysql", "maria", "mssql", "oracle"].iter().any(|name| path.contains(name)) || has(&OTHER) {
            Self::Other
        } else if ["postgres", "psql", "/pg/"].iter().any(|name| path.contains(name)) || has(&POSTGRES) {
            Self::Postgres
        } else {
            Self::Unknown
        }
    }
}
