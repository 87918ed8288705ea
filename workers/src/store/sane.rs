//! Which numbers a record can hold, whoever wrote them: what lies outside is no job of ours.

use std::ops::RangeInclusive;

/// What is counted from zero, one at a time.
pub(crate) const COUNT: RangeInclusive<i64> = 0..=1_000_000_000;
/// A number of things of which there is at least one.
pub(crate) const SIZE: RangeInclusive<i64> = 1..=1_000_000_000;
/// 0 runs first.
pub(crate) const PRIORITY: RangeInclusive<i64> = 0..=9;
/// Milliseconds from 1970 to the end of the year 9999.
pub(crate) const TIME: RangeInclusive<i64> = 0..=253_402_300_799_999;
/// Milliseconds up to a thousand years.
pub(crate) const WAIT: RangeInclusive<i64> = 1..=31_557_600_000_000;
/// The same, or none.
pub(crate) const WAIT_OR_NONE: RangeInclusive<i64> = 0..=31_557_600_000_000;

/// The first number that cannot be, in words.
pub(crate) fn first_wrong(
    numbers: impl IntoIterator<Item = (&'static str, i64, RangeInclusive<i64>)>,
) -> Option<String> {
    let mut wrong = numbers.into_iter().filter(|(_, number, range)| !range.contains(number));
    let (name, number, range) = wrong.next()?;
    Some(format!("{name} is {number} which is not in {} to {}", range.start(), range.end()))
}
