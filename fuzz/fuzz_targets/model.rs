//! Any bytes as what a provider of models answers, in every format and cut anywhere.
#![no_main]

use flotilla_workers::agents::model::fuzzing::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (size, bytes) = input;
    answer(bytes, size.into());
});
