//! Any bytes as what Redis holds, and as what its scripts answer.
#![no_main]

use flotilla_workers::store::fuzzing::{envelope, reply, ticket};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    envelope(bytes);
    ticket(bytes);
    reply(bytes);
});
