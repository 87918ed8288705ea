//! What the tests of several parts start from.

use super::{Material, Mind, Unanswered, material, plan::Piece};
use crate::review::{diff, filter, settings::Settings};
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::Mutex,
};

/// The material of a diff, as of one that was handed in.
pub(super) fn material_of(text: &[u8]) -> Material {
    material_with(text, &HashMap::new())
}

/// The same, where old files are known.
pub(super) fn material_with(text: &[u8], olds: &HashMap<Vec<u8>, Vec<u8>>) -> Material {
    let settings = Settings::default();
    let nothing = HashMap::new();
    let known = filter::Known { sizes: &HashMap::new(), heads: &nothing };
    let filtered = filter::filter(diff::parse(text).unwrap(), known, &settings);
    material(&filtered.change, olds, &settings)
}

/// A diff of one new file.
pub(super) fn new_file(path: &str, lines: &[&str]) -> Vec<u8> {
    let quoted = String::from_utf8(diff::quote(format!("b/{path}").as_bytes())).unwrap();
    let mut text = format!(
        "diff --git {0} {quoted}\nnew file mode 100644\n--- /dev/null\n+++ {quoted}\n",
        quoted.replace("b/", "a/")
    );
    let _ = writeln!(text, "@@ -0,0 +1,{} @@", lines.len());
    for line in lines {
        let _ = writeln!(text, "+{line}");
    }
    text.into_bytes()
}

/// Every hunk whole.
pub(super) fn pieces(material: &Material) -> Vec<Piece> {
    let hunks = material.files.iter().enumerate().flat_map(|(file, of)| {
        of.hunks.iter().enumerate().map(move |(hunk, rows)| Piece { file, hunk, from: 0, to: rows.rows.len() })
    });
    hunks.collect()
}

type Answer = Result<Value, Unanswered<&'static str>>;

/// Answers as a function says, and remembers.
pub(super) struct Script<F> {
    answer: F,
    pub asked: Mutex<Vec<(u32, String, Value)>>,
    /// Answers and decisions that are on record.
    pub record: Mutex<BTreeMap<String, Value>>,
}

impl<F: Fn(u32, &str, &Value) -> Answer + Sync> Script<F> {
    pub fn new(answer: F) -> Self {
        Self { answer, asked: Mutex::default(), record: Mutex::default() }
    }

    /// Threads that were really asked in, in order.
    pub fn threads(&self) -> Vec<u32> {
        let mut threads: Vec<u32> = self.asked.lock().unwrap().iter().map(|(thread, ..)| *thread).collect();
        threads.sort_unstable();
        threads
    }
}

#[async_trait]
impl<F: Fn(u32, &str, &Value) -> Answer + Sync> Mind for Script<F> {
    type Halt = &'static str;

    async fn decide<T, I>(&self, name: &str, _: &I, make: impl FnOnce() -> T + Send) -> Result<T, &'static str>
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        I: Serialize + Sync,
    {
        let mut record = self.record.lock().unwrap();
        let value = record.entry(name.to_owned()).or_insert_with(|| serde_json::to_value(make()).unwrap());
        Ok(T::deserialize(&*value).unwrap())
    }

    async fn ask(&self, thread: u32, part: &str, vars: &Value) -> Answer {
        let key = format!("{part} {thread}");
        if let Some(answer) = self.record.lock().unwrap().get(&key) {
            return Ok(answer.clone());
        }
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().push((thread, part.to_owned(), vars.clone()));
        let answer = (self.answer)(thread, part, vars)?;
        self.record.lock().unwrap().insert(key, answer.clone());
        Ok(answer)
    }
}
