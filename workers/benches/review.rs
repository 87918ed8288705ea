//! What a review costs: reading a diff, and checking its lines.
//!
//! Run with `cargo bench -p flotilla-workers --bench review`; throughput is bytes of diff.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flotilla_workers::review::{
    Change, ChangedFile,
    diff::parse,
    rules::{Facts, check},
};
use std::{fmt::Write, hint::black_box};

/// Files of the change, and lines added to each.
const FILES: usize = 50;
const LINES: usize = 200;

/// A change as people write them: most lines hold nothing that any rule looks at twice.
fn change() -> String {
    let mut text = String::new();
    for file in 0..FILES {
        let path = format!("src/module_{file}.rs");
        // Writing to a string does not fail.
        let _ = write!(text, "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,0 +1,{LINES} @@\n");
        for line in 0..LINES {
            let _ = match line % 20 {
                0 => writeln!(text, "+    // TODO: look at {line} again"),
                7 => writeln!(text, "+    let password = config.get(\"database.password\")?;"),
                13 => writeln!(text, "+    dbg!(&value_{line});"),
                _ => writeln!(text, "+    let value_{line} = compute(input, {line}).map(|v| v.total + offset)?;"),
            };
        }
    }
    text
}

fn review(c: &mut Criterion) {
    let text = change();
    let files = || parse(text.as_bytes()).expect("the diff is well formed");
    let mut group = c.benchmark_group("review");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |b| b.iter(|| black_box(files())));
    let changed = |diff| ChangedFile { diff, size: None, text_rules: true };
    let change = Change { files: files().into_iter().map(changed).collect() };
    let facts = Facts::default();
    group.bench_function("rules", |b| b.iter(|| black_box(check(&change, &facts))));
    group.finish();
}

criterion_group!(benches, review);
criterion_main!(benches);
