//! What the headers of an answer say: how long to wait, whether to come again, and what is left of limits.

use super::span;
use crate::{
    admission::{Left, Told},
    clock::Millis,
};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The headers of one answer.
pub struct Headers<'a> {
    map: &'a HeaderMap,
    /// When it was given, by the provider's own clock where it says so: its dates are by that clock too.
    now: Millis,
}

impl<'a> Headers<'a> {
    /// `now` is for providers that do not say when they answered.
    pub fn new(map: &'a HeaderMap, now: Millis) -> Self {
        let said = map.get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date);
        Self { map, now: said.unwrap_or(now) }
    }

    /// How long it asks to wait: `retry-after-ms`, else `retry-after`, in seconds or until a date.
    pub fn retry_after(&self) -> Option<Duration> {
        let ms = self.text("retry-after-ms").and_then(|ms| span::seconds_of(ms.parse::<f64>().ok()? / 1_000.0));
        ms.or_else(|| {
            let text = self.text(RETRY_AFTER.as_str())?;
            let seconds = text.parse().ok().and_then(span::seconds_of);
            seconds.or_else(|| Some(self.until(http_date(text)?)))
        })
    }

    /// `x-should-retry`.
    pub fn should_retry(&self) -> Option<bool> {
        match self.text("x-should-retry")? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The provider's name for the call.
    pub fn request_id(&self) -> Option<String> {
        let id = self.text("x-request-id").or_else(|| self.text("request-id"))?;
        Some(id.chars().filter(char::is_ascii_graphic).take(128).collect())
    }

    /// What is left of its limits. A counter of which only half is said, or that says "no limit" with -1 or 0 and no end,
    /// is not known.
    pub fn told(&self) -> Told {
        let openai = |what: &str| {
            let left = self.left(&format!("x-ratelimit-remaining-{what}"))?;
            let reset = span::exactly(self.text(&format!("x-ratelimit-reset-{what}"))?)?;
            known(left, reset)
        };
        let anthropic = |what: &str| {
            let left = self.left(&format!("anthropic-ratelimit-{what}-remaining"))?;
            let reset: jiff::Timestamp = self.text(&format!("anthropic-ratelimit-{what}-reset"))?.parse().ok()?;
            known(left, self.until(reset.as_millisecond()))
        };
        Told {
            requests: anthropic("requests").or_else(|| openai("requests")),
            // OpenAI counts both directions in one; what goes in is most of it.
            input_tokens: anthropic("input-tokens").or_else(|| openai("tokens")),
            output_tokens: anthropic("output-tokens"),
        }
    }

    fn left(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.map.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// From now until then; nothing for a time that is over.
    fn until(&self, then: Millis) -> Duration {
        let ms = u64::try_from(then.saturating_sub(self.now)).unwrap_or(0);
        Duration::from_millis(ms).min(span::LONGEST)
    }
}

fn known(remaining: u64, reset: Duration) -> Option<Left> {
    (remaining > 0 || !reset.is_zero()).then_some(Left { remaining, reset })
}

fn http_date(text: &str) -> Option<Millis> {
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    date.duration_since(UNIX_EPOCH).ok().map(|since| since.as_millis() as Millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const NOW: Millis = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_wait_is_asked_for_in_four_ways() {
        let cases = [
            (&[("retry-after", "3")][..], Some(3_000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after", "3"), ("retry-after-ms", "150.5")], Some(150)),
            (&[("retry-after", "3"), ("retry-after-ms", "soon")], Some(3_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT")], Some(23_000)),
            // The provider's clock is five minutes ahead, and so is its date.
            (
                &[("retry-after", "Sun, 06 Nov 1994 08:55:00 GMT"), ("date", "Sun, 06 Nov 1994 08:54:37 GMT")],
                Some(23_000),
            ),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "whenever")], None),
            (&[], None),
        ];
        for (pairs, ms) in cases {
            let map = headers(pairs);
            let wait = Headers::new(&map, NOW).retry_after().map(|wait| wait.as_millis() as u64);
            assert_eq!(wait, ms, "{pairs:?}");
        }
    }

    #[test]
    fn what_is_left_is_read_from_both_vendors() {
        let left = |remaining, ms| Some(Left { remaining, reset: Duration::from_millis(ms) });
        let map = headers(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        let told = Headers::new(&map, NOW).told();
        assert_eq!(told, Told { requests: left(59, 1_000), input_tokens: left(149_984, 360_000), output_tokens: None });

        let map = headers(&[
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:40Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "12000"),
            ("anthropic-ratelimit-input-tokens-reset", "1994-11-06T08:49:30Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "8000"),
            ("anthropic-ratelimit-output-tokens-reset", "1994-11-06T08:50:37Z"),
        ]);
        let told = Headers::new(&map, 0).told();
        assert_eq!(
            told,
            Told { requests: left(0, 3_000), input_tokens: left(12_000, 0), output_tokens: left(8_000, 60_000) }
        );
    }

    #[test]
    fn what_says_nothing_is_not_known() {
        for pairs in [
            &[("x-ratelimit-remaining-requests", "-1"), ("x-ratelimit-reset-requests", "0")][..],
            &[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "0s")],
            &[("x-ratelimit-remaining-requests", "0")],
            &[("x-ratelimit-reset-requests", "1s")],
            &[("x-ratelimit-remaining-requests", "many"), ("x-ratelimit-reset-requests", "later")],
            &[("anthropic-ratelimit-requests-remaining", "5"), ("anthropic-ratelimit-requests-reset", "soon")],
        ] {
            let map = headers(pairs);
            assert_eq!(Headers::new(&map, NOW).told(), Told::default(), "{pairs:?}");
        }
    }
}
