//! What is shown where, for changes of any size.

use super::*;
use crate::review::{
    agent::sample::{material_of, new_file},
    diff::Kind,
};
use proptest::prelude::*;

/// A token a byte: easy to count.
fn bytes(text: &str) -> usize {
    text.len()
}

fn shown(material: &Material, pieces: &[Piece]) -> usize {
    bytes(&write::batch(material, pieces))
}

fn added(material: &Material, file: usize) -> Vec<u32> {
    let rows = material.files[file].hunks.iter().flat_map(|hunk| &hunk.rows);
    rows.filter(|row| row.kind == Kind::Added).map(|row| row.new).collect()
}

#[test]
fn a_usual_change_is_one_batch() {
    let diff = [new_file("a.rs", &["a"]), new_file("b.rs", &["b", "c"])].concat();
    let material = material_of(&diff);
    let plan = plan(&material, Room::USUAL, "f".into(), bytes);
    assert_eq!(plan.batches.len(), 1);
    assert_eq!(plan.batches[0].len(), 2);
    assert_eq!(plan.left_out, []);
}

#[test]
fn what_has_no_room_is_named_with_the_reason() {
    let line = "x".repeat(80);
    let files: Vec<Vec<u8>> = (0..5).map(|n| new_file(&format!("{n}.rs"), &[line.as_str(); 10])).collect();
    let material = material_of(&files.concat());
    let plan = plan(&material, Room { tokens: 1_500, batches: 2 }, "f".into(), bytes);
    assert_eq!(plan.batches.len(), 2);
    assert_eq!(plan.left_out.len(), 3);
    assert!(plan.left_out[0].reason.contains("2 batches of 1500 tokens"), "{:?}", plan.left_out);
}

#[test]
fn a_change_of_a_megabyte_is_cut_between_lines() {
    let line = "let value = compute(value, 17);".repeat(3);
    let material = material_of(&new_file("a.rs", &vec![line.as_str(); 14_000]));
    let count = |text: &str| bpe_openai::o200k_base().count(text);
    let plan = plan(&material, Room::USUAL, "f".into(), count);
    assert_eq!(plan.batches.len(), Room::USUAL.batches);
    for batch in &plan.batches {
        assert!(count(&write::batch(&material, batch)) <= Room::USUAL.tokens);
    }
    assert_eq!(plan.left_out.len(), 1);
}

proptest! {
    #[test]
    fn every_added_line_is_shown_once_or_its_file_is_named(
        files in proptest::collection::vec(proptest::collection::vec(0_usize..120, 1..30), 1..12),
        tokens in 300_usize..1_200,
        batches in 1_usize..8,
    ) {
        let files: Vec<Vec<u8>> = files.iter().enumerate().map(|(n, lengths)| {
            let lines: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            new_file(&format!("{n}.rs"), &lines.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        let material = material_of(&files.concat());
        let plan = plan(&material, Room { tokens, batches }, "f".into(), bytes);
        prop_assert!(plan.batches.len() <= batches);
        for batch in &plan.batches {
            prop_assert!(shown(&material, batch) <= tokens, "{} > {tokens}", shown(&material, batch));
        }
        for (file, of) in material.files.iter().enumerate() {
            let mut seen: Vec<u32> = plan.batches.iter().flatten().filter(|piece| piece.file == file)
                .flat_map(|piece| material.rows(piece).unwrap().1).filter(|row| row.kind == Kind::Added)
                .map(|row| row.new).collect();
            seen.sort_unstable();
            if plan.left_out.iter().any(|left| left.path == of.path) {
                let all = added(&material, file);
                prop_assert!(seen.len() < all.len() && seen.iter().all(|line| all.contains(line)));
            } else {
                prop_assert_eq!(seen, added(&material, file));
            }
        }
    }
}
