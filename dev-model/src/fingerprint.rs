//! What stands for a text without showing it.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Bytes of the text's hash.
const BYTES: usize = 6;

/// Twelve hexadecimal digits, the same for the same text.
pub(crate) fn fingerprint(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(BYTES).fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
