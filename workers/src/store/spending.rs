//! What both records decide alike about questions of what was spent.

use super::Error;
use flotilla_jobs::{
    Invalid,
    api::{SpendQuery, SpendRow},
};

/// Most rows of one answer.
pub(crate) const MAX_ROWS: u32 = 10_000;
/// Most calls of one model that its estimates are measured by.
pub(crate) const MAX_ESTIMATES: u32 = 1_000;

/// The first and the last day asked for.
pub(crate) fn days(query: &SpendQuery, today: &str) -> Result<(String, String), Invalid> {
    let day = |day: Option<jiff::civil::Date>| day.map_or_else(|| today.to_owned(), |day| day.to_string());
    let (since, until) = (day(query.since), day(query.until));
    if since > until {
        let message = format!("the first day, {since}, is after the last, {until}; a day that is not named is today");
        return Err(Invalid::new("since", message));
    }
    Ok((since, until))
}

/// The answer, if it is not too long. Without a part to tell rows apart by there is one, also where nothing was spent.
pub(crate) fn answer(query: &SpendQuery, mut rows: Vec<SpendRow>) -> Result<Vec<SpendRow>, Error> {
    if rows.len() > MAX_ROWS as usize {
        let message = format!("more than {MAX_ROWS} rows; ask for fewer days, or tell rows apart by less");
        return Err(Invalid::new("by", message).into());
    }
    if rows.is_empty() && query.by.is_empty() {
        rows.push(SpendRow::default());
    }
    Ok(rows)
}
