//! Settings of a configuration file, with their lines.

use super::{
    Error, Origin,
    keys::{self, Kind},
    layers::Layers,
};
use std::path::Path;
use toml::{Table, Value, de::DeTable, de::DeValue};

/// Puts the settings of a file into `layers`. Never quotes the file in an error: it may hold secrets.
pub fn read(path: &Path, text: &str, layers: &mut Layers) -> Result<(), Error> {
    let syntax = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Error::new(Some(Origin::File { path: path.to_owned(), line }), "", error.message())
    };
    let spans = DeTable::parse(text).map_err(|e| syntax(&e))?;
    let values: Table = toml::from_str(text).map_err(|e| syntax(&e))?;
    let file = File { path, text };
    file.walk("", spans.get_ref(), &values, layers)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn walk(&self, prefix: &str, spans: &DeTable<'_>, values: &Table, layers: &mut Layers) -> Result<(), Error> {
        for (name, span) in spans {
            let Some(value) = values.get(name.get_ref().as_ref()) else { continue };
            let key = keys::join(prefix, name.get_ref());
            let origin = Origin::File { path: self.path.to_owned(), line: line_of(self.text, name.span().start) };
            if name.get_ref().contains('.') && keys::is_named(prefix) {
                // Settings are named by paths, in which a dot ends a part.
                let message = format!("a name cannot hold a dot; write `{}`", name.get_ref().replace('.', "-"));
                return Err(Error::new(Some(origin), key, message));
            }
            match (keys::kind(&key), span.get_ref(), value) {
                (Kind::Section, DeValue::Table(spans), Value::Table(values)) => {
                    self.walk(&key, spans, values, layers)?;
                }
                (Kind::Section, ..) => return Err(Error::new(Some(origin), key, "is a section; use a table")),
                (Kind::Any, _, value) => layers.set(key, value.clone(), origin),
                (Kind::Unknown, ..) => {
                    let message = keys::unknown(&key);
                    return Err(Error::new(Some(origin), key, message));
                }
                (Kind::Setting(default), _, value) => {
                    let value = keys::taken(&key, value);
                    if let Some(message) = keys::mismatch(&default, &value) {
                        return Err(Error::new(Some(origin), key, message));
                    }
                    layers.set(key, value, origin);
                }
            }
        }
        Ok(())
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
}
