//! Any bytes as a diff.
#![no_main]

use flotilla_workers::review::diff::{Kind, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(files) = parse(bytes) else { return };
    for file in &files {
        let (added, removed) = file.counts();
        let (mut plus, mut minus) = (0, 0);
        for hunk in &file.hunks {
            let of = |kinds: &[Kind]| hunk.lines.iter().filter(|line| kinds.contains(&line.kind)).count() as u32;
            assert_eq!(of(&[Kind::Context, Kind::Removed]), hunk.old_lines);
            assert_eq!(of(&[Kind::Context, Kind::Added]), hunk.new_lines);
            assert!(hunk.old_start.checked_add(hunk.old_lines).is_some());
            assert!(hunk.new_start.checked_add(hunk.new_lines).is_some());
            plus += of(&[Kind::Added]);
            minus += of(&[Kind::Removed]);
        }
        assert_eq!((plus, minus), (added, removed));
        let _ = file.path();
    }
});
