//! What holds for any configuration: it is read, or refused with a place and a reason.

use super::{super::keys::KNOWN, Inputs, load, people, to_json};
use proptest::prelude::*;
use std::fs;

/// Reads a file, variables and flags; a secret must be seen nowhere.
fn read(file: &str, vars: Vec<(String, String)>, flags: Vec<(String, String, String)>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flotilla.toml");
    fs::write(&path, file).unwrap();
    match load(&Inputs { file: Some(path), directory: None, vars, flags }) {
        Ok(loaded) => {
            let shown = people(&loaded).join("\n") + &to_json(&loaded).to_string();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains("hunter2"), "{text}");
        }
    }
}

fn key() -> impl Strategy<Value = String> {
    let known: Vec<String> = KNOWN.keys().filter(|key| !key.ends_with("_file")).cloned().collect();
    prop_oneof![
        8 => proptest::sample::select(known),
        1 => prop_oneof![Just("queues.slow.cap"), Just("queues.slow.max_waiting"), Just("queues"), Just("worker"), Just("")]
            .prop_map(str::to_owned),
        1 => "[a-z._]{0,20}",
    ]
    .prop_filter("files are not ours to read", |key| !key.ends_with("_file"))
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        "\\PC{0,20}",
        Just("\"127.0.0.1:0\"".to_owned()),
        Just("[\"/a\", \"/b\"]".to_owned()),
        Just("{ default = 1 }".to_owned()),
        Just("\"\"".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        Just("nan".to_owned()),
        Just("\"open".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_settings_make_it_panic(
        file in proptest::collection::vec((key(), value()), 0..6),
        vars in proptest::collection::vec((key(), value()), 0..4),
        flags in proptest::collection::vec((key(), value()), 0..4),
    ) {
        let lines: Vec<String> = file.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let variable = |key: &str| format!("FLOTILLA_{}", key.replace('.', "__").to_uppercase());
        let mut vars: Vec<(String, String)> = vars.into_iter().map(|(key, value)| (variable(&key), value)).collect();
        for (key, secret) in [
            ("http.token", "hunter2hunter2hunter2"),
            ("store.redis_url", "redis://me:hunter2@h/0"),
            ("store.postgres_url", "postgres://me:hunter2@h/d?password=hunter2"),
        ] {
            vars.push((variable(key), secret.to_owned()));
        }
        let flags = flags.into_iter().map(|(key, value)| ("--set".to_owned(), key, value)).collect();
        read(&lines.join("\n"), vars, flags);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", words in proptest::collection::vec(
        prop_oneof![
            Just("[http]"), Just("[queues"), Just(".a]"), Just("\n"), Just("token"), Just(" = "), Just("\"text"), Just("\""),
            Just("listen"), Just("[[worker]]"), Just("{"), Just("}"), Just("'''"), Just("cap"), Just("1"), Just(","), Just("#")
        ],
        0..20,
    )) {
        read(&text, Vec::new(), Vec::new());
        read(&words.concat(), Vec::new(), Vec::new());
    }
}
