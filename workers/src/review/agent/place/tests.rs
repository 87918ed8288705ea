//! Lines are found by what they say; a wrong line is never taken.

use super::*;
use crate::review::agent::sample::{material_of, new_file, pieces};
use proptest::prelude::*;

const DIFF: &[u8] = b"--- a/x.rs\n+++ b/x.rs\n@@ -10,4 +10,6 @@ fn f()\n fn f() {\n-    old();\n+    let a = one();\n+    let b = two();\n     same();\n+    let a = one();\n }\n@@ -40,2 +42,3 @@\n other\n+    let a = one();\n end\n";

fn found(quote: &str, start: u32, end: u32) -> Option<(u32, u32, bool)> {
    let material = material_of(DIFF);
    let place = find(&material, &pieces(&material), Claim { file: 0, quote, start, end })?;
    Some((place.start, place.end, place.exact))
}

#[test]
fn a_wrong_number_is_repaired_from_the_quote() {
    assert_eq!(found("    let b = two();", 900, 900), Some((12, 12, true)));
    assert_eq!(found("let b   = two( );", 0, 0), Some((12, 12, false)));
    assert_eq!(found("12 +     let b = two();", 3, 3), Some((12, 12, true)));
    assert_eq!(found("\n    let a = one();\n    let b = two();\n\n", 1, 1), Some((11, 12, true)));
    assert_eq!(found("b = two();", 1, 1), Some((12, 12, false)));
}

#[test]
fn of_several_the_nearest_to_the_claimed_line_is_taken() {
    assert_eq!(found("    let a = one();", 11, 11), Some((11, 11, true)));
    assert_eq!(found("    let a = one();", 15, 15), Some((14, 14, true)));
    assert_eq!(found("    let a = one();", 50, 50), Some((43, 43, true)));
}

#[test]
fn only_added_lines_count() {
    assert_eq!(found("fn f() {", 10, 10), None);
    assert_eq!(found("    old();", 11, 11), Some((11, 11, false)), "removed: the claimed added line is taken");
    assert_eq!(found("    old();", 10, 10), None);
    assert_eq!(found("    let b = two();\n    same();", 12, 13), Some((12, 12, false)));
}

#[test]
fn without_a_quote_the_claimed_lines_are_taken_as_far_as_they_are_there() {
    assert_eq!(found("", 11, 12), Some((11, 12, false)));
    assert_eq!(found("nowhere to be seen", 12, 400), Some((12, 14, false)));
    assert_eq!(found("nowhere to be seen", 20, 30), None);
    assert_eq!(found("nowhere to be seen", 1, 9), None);
}

#[test]
fn a_range_has_at_most_ten_lines() {
    let lines: Vec<String> = (1..=40).map(|n| format!("line {n}")).collect();
    let material = material_of(&new_file("a.rs", &lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let quote = lines[4..30].join("\n");
    let place = find(&material, &pieces(&material), Claim { file: 0, quote: &quote, start: 5, end: 30 }).unwrap();
    assert_eq!((place.start, place.end, place.exact), (5, 14, false));
}

proptest! {
    #[test]
    fn whatever_is_claimed_the_place_is_made_of_added_lines(
        quote in prop_oneof!["[ a-z(){};=\\n]{0,30}", Just("    let a = one();".to_owned()), Just("same();".to_owned())],
        start: u32,
        span in 0_u32..50,
    ) {
        let material = material_of(DIFF);
        let start = start % 60;
        let claim = Claim { file: 0, quote: &quote, start, end: start + span };
        if let Some(place) = find(&material, &pieces(&material), claim) {
            let rows = &material.files[0].hunks[place.hunk].rows;
            let is_added = |line| rows.iter().any(|row| row.new == line && row.kind == Kind::Added);
            prop_assert!(is_added(place.start) && is_added(place.end));
            prop_assert!(place.start <= place.end && place.end - place.start < MAX_LINES);
        }
    }

    #[test]
    fn what_is_quoted_as_it_is_is_found_wherever_it_is_said_to_be(from in 0_usize..30, count in 1_usize..8, claimed: u32) {
        let lines: Vec<String> = (0..40).map(|n| format!("  line {n} of this file")).collect();
        let material = material_of(&new_file("a.rs", &lines.iter().map(String::as_str).collect::<Vec<_>>()));
        let quote = lines[from..from + count].join("\n");
        let claim = Claim { file: 0, quote: &quote, start: claimed, end: claimed };
        let place = find(&material, &pieces(&material), claim).unwrap();
        prop_assert_eq!((place.start, place.end), (from as u32 + 1, (from + count) as u32));
        prop_assert!(place.exact);
    }
}
