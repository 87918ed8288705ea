//! Money: whole micro-dollars, never a floating point number.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::{fmt, iter::Sum, ops::Add, str::FromStr};

/// An amount of US dollars in millionths; on the wire a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One dollar.
    pub const DOLLAR: Self = Self(1_000_000);

    /// What is left of it; nothing where `other` is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for MicroUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// `$0.0123`: at least two decimals, and as many as there are.
impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.0 % Self::DOLLAR.0);
        let shown = decimals.trim_end_matches('0').len().max(2);
        f.pad(&format!("${}.{}", self.0 / Self::DOLLAR.0, &decimals[..shown]))
    }
}

/// `1`, `1.25`, `$0.000001`: dollars, with at most six decimals.
impl FromStr for MicroUsd {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("dollars", format!("`{text}` is not an amount; use dollars such as 2.50"));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let number = text.strip_prefix('$').unwrap_or(text);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && decimals.is_empty()) || decimals.len() > 6 || !digits(whole) || !digits(decimals) {
            return Err(invalid());
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let millionths: u64 = format!("{decimals:0<6}").parse().map_err(|_| invalid())?;
        whole.checked_mul(Self::DOLLAR.0).and_then(|w| w.checked_add(millionths)).map(Self).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown() {
        for (text, shown) in [("1", "$1.00"), ("0.5", "$0.50"), ("$12.345678", "$12.345678"), (".000001", "$0.000001")]
        {
            assert_eq!(text.parse::<MicroUsd>().unwrap().to_string(), shown);
        }
        for bad in ["", ".", "-1", "1.2345678", "1,5", "1e3", "$", "99999999999999999999"] {
            assert!(bad.parse::<MicroUsd>().unwrap_err().to_string().contains("use dollars"), "{bad}");
        }
    }
}
