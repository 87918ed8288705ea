//! What holds for any input, with git as the judge.

use super::super::{FileDiff, Kind, parse, quote};
use proptest::prelude::*;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// The new file, from the old one and what changed.
fn rebuild(old: &[u8], file: &FileDiff<'_>) -> Vec<u8> {
    let mut old_lines = old.split_inclusive(|&b| b == b'\n');
    let mut at = 1;
    let mut new = Vec::new();
    for hunk in &file.hunks {
        let start = hunk.old_start + u32::from(hunk.old_lines == 0);
        while at < start {
            new.extend(old_lines.next().unwrap());
            at += 1;
        }
        for line in &hunk.lines {
            let text = [line.text, if line.newline { &b"\n"[..] } else { b"" }].concat();
            if line.kind != Kind::Added {
                assert_eq!(old_lines.next().unwrap(), text);
                at += 1;
            }
            if line.kind != Kind::Removed {
                new.extend(text);
            }
        }
    }
    new.extend(old_lines.flatten());
    new
}

/// Writes hunks as git would, for git to read.
fn write(name: &str, file: &FileDiff<'_>) -> Vec<u8> {
    let name = |side: char| String::from_utf8(quote(format!("{side}/{name}").as_bytes())).unwrap();
    let mut text =
        format!("diff --git {} {}\n--- {}\n+++ {}\n", name('a'), name('b'), name('a'), name('b')).into_bytes();
    for hunk in &file.hunks {
        let (os, ol, ns, nl) = (hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
        text.extend(format!("@@ -{os},{ol} +{ns},{nl} @@\n").bytes());
        for line in &hunk.lines {
            text.push(match line.kind {
                Kind::Context => b' ',
                Kind::Added => b'+',
                Kind::Removed => b'-',
            });
            text.extend(line.text);
            text.push(b'\n');
            if !line.newline {
                text.extend(b"\\ No newline at end of file\n");
            }
        }
    }
    text
}

fn git(dir: &Path, args: &[&str]) -> (i32, Vec<u8>) {
    let out = Command::new("git").current_dir(dir).args(args).stdin(Stdio::null()).output().unwrap();
    (out.status.code().unwrap(), out.stdout)
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[ab]{0,2}".prop_map(String::into_bytes),
        1 => Just(b"--- a/f".to_vec()),
        1 => Just(b"+++ b/f".to_vec()),
        1 => Just(b"@@ -1 +1 @@".to_vec()),
        1 => Just(b"\\ No newline at end of file".to_vec()),
        1 => Just(b"diff --git a/f b/f".to_vec()),
        1 => Just(b"x\r".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(vec![0xff, 0xfe]),
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    (proptest::collection::vec(line(), 0..30), any::<bool>()).prop_map(|(lines, newline)| {
        let mut text = lines.join(&b'\n');
        if newline && !lines.is_empty() {
            text.push(b'\n');
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_git_writes_is_read_back(old in content(), new in content(), context in 0..4u8) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a")).unwrap();
        fs::create_dir_all(dir.path().join("b")).unwrap();
        fs::write(dir.path().join("a/f"), &old).unwrap();
        fs::write(dir.path().join("b/f"), &new).unwrap();
        let unified = format!("-U{context}");
        let (status, diff) = git(dir.path(), &["diff", "--no-index", "--no-color", "--no-prefix", &unified, "a/f", "b/f"]);
        prop_assert!(status < 2);
        let files = parse(&diff).unwrap();
        if old == new {
            prop_assert!(files.is_empty());
            return Ok(());
        }
        prop_assert_eq!(files.len(), 1);
        prop_assert_eq!(rebuild(&old, &files[0]), new.clone());

        // And git takes back what we read out of its words.
        fs::write(dir.path().join("patch"), write("f", &files[0])).unwrap();
        fs::write(dir.path().join("f"), &new).unwrap();
        let mut args = vec!["apply", "--reverse", "--whitespace=nowarn"];
        if context == 0 {
            args.push("--unidiff-zero");
        }
        args.push("patch");
        let (status, _) = git(dir.path(), &args);
        prop_assert_eq!(status, 0);
        prop_assert_eq!(fs::read(dir.path().join("f")).unwrap(), old);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_mix_of_its_own_words_makes_it_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("diff --git "), Just("a/x b/x"), Just("\n"), Just("--- "), Just("+++ "), Just("@@ -1 +1 @@"),
                Just("@@ -1,2 +0,0 @@"), Just("-"), Just("+"), Just(" "), Just("\\ No"), Just("\"a\\"), Just("rename from "),
                Just("copy to "), Just("old mode 100"), Just("GIT binary patch"), Just("/dev/null"), Just("\r"), Just("@@@"),
                Just("index 1..2 100644"), Just("new file mode 100644"), Just("\"")
            ],
            0..60,
        )
    ) {
        let _ = parse(words.concat().as_bytes());
    }
}
