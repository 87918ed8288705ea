//! Which language a file is in, by its name, and how that language writes comments and strings.

use super::layers::Syntax;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    /// JavaScript and TypeScript.
    Script,
    Go,
    /// Java, Kotlin, Scala, Groovy.
    Java,
    /// C, C++, C#, Swift and others that only share the comment signs.
    C,
    Ruby,
    Php,
    Shell,
    Docker,
    Sql,
    Toml,
    Yaml,
    /// Documentation: Markdown, reStructuredText, plain text.
    Prose,
    Other,
}

const HASH: Syntax = Syntax { line: &["#"], block: None, quotes: "\"'", long: &[], rust: false };
const SLASH: Syntax = Syntax { line: &["//"], block: Some(("/*", "*/")), quotes: "\"'", long: &[], rust: false };

const PYTHON: Syntax = Syntax { long: &["\"\"\"", "'''"], ..HASH };
const SCRIPT: Syntax = Syntax { long: &["`"], ..SLASH };
const JAVA: Syntax = Syntax { long: &["\"\"\""], ..SLASH };
const RUST: Syntax = Syntax { quotes: "", rust: true, ..SLASH };
const SQL: Syntax = Syntax { line: &["--"], block: Some(("/*", "*/")), quotes: "'\"", long: &[], rust: false };

impl Language {
    pub fn of(path: &str) -> Self {
        let lower = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let (stem, extension) = lower.rsplit_once('.').unwrap_or((lower.as_str(), ""));
        match extension {
            "rs" => Self::Rust,
            "py" | "pyi" | "pyw" => Self::Python,
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" => Self::Script,
            "go" => Self::Go,
            "java" | "kt" | "kts" | "scala" | "groovy" => Self::Java,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "cs" | "swift" | "m" | "mm" | "dart" | "zig" | "proto" => {
                Self::C
            }
            "rb" | "rake" | "gemspec" => Self::Ruby,
            "php" => Self::Php,
            "sh" | "bash" | "zsh" | "ksh" => Self::Shell,
            "sql" => Self::Sql,
            "toml" => Self::Toml,
            "yml" | "yaml" => Self::Yaml,
            "md" | "mdx" | "markdown" | "rst" | "txt" | "adoc" | "asciidoc" | "org" => Self::Prose,
            "dockerfile" => Self::Docker,
            _ if stem == "dockerfile" || stem == "containerfile" || lower.starts_with("dockerfile.") => Self::Docker,
            "" if matches!(stem, "gemfile" | "rakefile") => Self::Ruby,
            "" if matches!(stem, "readme" | "changelog" | "license" | "notice") => Self::Prose,
            _ => Self::Other,
        }
    }

    /// Whether people write programs in it, as opposed to prose and data.
    pub fn is_code(self) -> bool {
        !matches!(self, Self::Toml | Self::Yaml | Self::Prose | Self::Other)
    }

    pub fn syntax(self) -> Option<&'static Syntax> {
        Some(match self {
            Self::Rust => &RUST,
            Self::Python => &PYTHON,
            Self::Script | Self::Go => &SCRIPT,
            Self::Java => &JAVA,
            Self::C | Self::Php => &SLASH,
            Self::Ruby | Self::Shell | Self::Docker | Self::Toml | Self::Yaml => &HASH,
            Self::Sql => &SQL,
            Self::Prose | Self::Other => return None,
        })
    }
}
