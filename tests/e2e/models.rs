//! What a fleet is told about models, and diffs for it to review.

use crate::fleet::Fleet;
use flotilla_dev_model::{Options, Script, Server};
use serde_json::{Value, json};
use std::{fmt::Write as _, fs};

/// A provider that is scripted.
pub async fn provider(script: Value) -> Server {
    let script: Script = serde_json::from_value(script).unwrap();
    Server::start(Options { script, ..Options::default() }).await.unwrap()
}

/// Adds to the configuration that the fleet's next processes read.
pub fn configure(fleet: &Fleet, more: &str) {
    let path = fleet.home.path().join("flotilla.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + more).unwrap();
}

/// A review of a diff that adds these lines.
pub fn review<'a>(lines: impl IntoIterator<Item = &'a str>) -> Value {
    let (mut added, mut count) = (String::new(), 0);
    for line in lines {
        let _ = writeln!(added, "+{line}");
        count += 1;
    }
    let diff = format!(
        "diff --git a/a.rs b/a.rs\nnew file mode 100644\n--- /dev/null\n+++ b/a.rs\n@@ -0,0 +1,{count} @@\n{added}"
    );
    json!({ "kind": "code-review", "payload": { "source": { "type": "diff", "diff": diff } } })
}
