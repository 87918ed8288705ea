//! Lengths of time as providers write them: `6m0s`, `12ms`, `try again in 1.2s`, `retry after 20 seconds`.

use std::time::Duration;

/// No wait is longer, whatever is asked for.
pub const LONGEST: Duration = Duration::from_hours(24);

/// What comes before a length of time in a sentence.
const PHRASES: &[&str] = &["try again in ", "retry after ", "retry in ", "try again after "];

/// The length of time that a sentence asks to wait.
pub fn asked(sentence: &str) -> Option<Duration> {
    let lower = sentence.to_ascii_lowercase();
    PHRASES.iter().find_map(|phrase| {
        let (_, rest) = lower.split_once(phrase)?;
        read(rest).map(|(span, _)| span)
    })
}

/// A length of time and nothing else; a number alone is of seconds.
pub fn exactly(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds_of(seconds);
    }
    read(&text.to_ascii_lowercase()).filter(|(_, rest)| rest.is_empty()).map(|(span, _)| span)
}

/// Seconds, unless that is no length of time.
pub fn seconds_of(seconds: f64) -> Option<Duration> {
    let sane = seconds.is_finite() && seconds >= 0.0;
    sane.then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST))
}

/// Numbers with units, one after the other, and what follows them.
fn read(mut text: &str) -> Option<(Duration, &str)> {
    let mut sum: Option<f64> = None;
    loop {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let Ok(number) = text[..digits].parse::<f64>() else { break };
        let rest = text[digits..].trim_start_matches(' ');
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let Some(unit) = unit(&rest[..letters]) else { break };
        sum = Some(sum.unwrap_or(0.0) + number * unit);
        text = &rest[letters..];
    }
    Some((seconds_of(sum?)?, text))
}

fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        let ms = Duration::from_millis;
        for (text, span) in [
            ("6m0s", Some(ms(360_000))),
            ("1s", Some(ms(1_000))),
            ("12ms", Some(ms(12))),
            ("1h2m3.5s", Some(ms(3_723_500))),
            ("2m59.56s", Some(ms(179_560))),
            ("1.5", Some(ms(1_500))),
            ("0", Some(ms(0))),
            ("9999999d", Some(LONGEST)),
            ("-1", None),
            ("", None),
            ("soon", None),
            ("1s and more", None),
            ("nan", None),
        ] {
            assert_eq!(exactly(text), span, "{text}");
        }
    }

    #[test]
    fn sentences_ask_to_wait() {
        let ms = Duration::from_millis;
        for (sentence, span) in [
            ("Rate limit reached for gpt-5 … Please try again in 1.2s. Visit …", Some(ms(1_200))),
            ("Please try again in 20ms.", Some(ms(20))),
            ("Please try again in 1m12.5s.", Some(ms(72_500))),
            ("Please retry after 20 seconds.", Some(ms(20_000))),
            ("Try again in a moment.", None),
            ("Try again in 5 dollars", None),
            ("Too many requests", None),
        ] {
            assert_eq!(asked(sentence), span, "{sentence}");
        }
    }
}
