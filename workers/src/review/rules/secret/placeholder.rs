//! Tells credentials from what stands in for them in documentation, templates and tests.

/// Words nobody has in a real credential. Long enough that chance does not write them into a random one.
const WORDS: [&str; 31] = [
    "example",
    "xxxx",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "your",
    "dummy",
    "fake",
    "sample",
    "redacted",
    "insert",
    "replace",
    "foobar",
    "mock",
    "test",
    "0000",
    "1234567",
    "abcdef",
    "deadbeef",
    "****",
    "....",
    "<",
    "${",
    "{{",
    "$(",
    "%(",
    "#{",
    "%s",
    "{}",
    "…",
];

/// Whether `value` stands for a secret rather than being one.
pub fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || has_run(lower.as_bytes(), 5)
}

/// Whether a character is repeated, or counted up from, `length` times: `aaaaa`, `56789`.
fn has_run(bytes: &[u8], length: usize) -> bool {
    let (mut same, mut rising) = (1, 1);
    bytes.windows(2).any(|pair| {
        same = if pair[0] == pair[1] { same + 1 } else { 1 };
        rising = if pair[0].checked_add(1) == Some(pair[1]) { rising + 1 } else { 1 };
        same >= length || rising > length
    })
}

/// Shannon entropy in bits a character.
pub fn entropy(value: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = value.len() as f64;
    let share = |count: &u32| f64::from(*count) / length;
    counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum()
}
