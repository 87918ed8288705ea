//! Who does for all processes of a file what only one of them does.

use super::{tx::Tx, unit::Unit};
use crate::{clock::Millis, store::Error};

static LEAD: Unit = Unit::new(include_str!("lead.sql"));

/// What a process wants to lead.
pub(super) struct Bid {
    pub duties: Vec<String>,
    pub holder: String,
    pub ttl_ms: Millis,
}

/// Makes a process the one that does each duty, unless another one is; answers for each whether it is.
pub(super) async fn lead(tx: &mut Tx<'_>, bid: &Bid) -> Result<Vec<bool>, Error> {
    let (now, until) = (tx.now, tx.now.saturating_add(bid.ttl_ms));
    let done = LEAD.run(tx.conn, &bid.duties, |duty, args| args.add(duty).add(&bid.holder).add(until).add(now)).await?;
    Ok(done.iter().map(|done| !done.rows.is_empty() && bid.ttl_ms > 0).collect())
}
