//! The cache in the file.

use super::{File, op::Op, row, tx::Tx, unit::Unit};
use crate::{
    cache::{Cache, CacheName, Group, Keep, MAX_DROPPED, MAX_LASTS, Sort, check_keep},
    clock::millis,
    store::{Error, books::signed},
};
use async_trait::async_trait;

static CACHE_GET: Unit = Unit::new(include_str!("cache_get.sql"));
static CACHE_MAKE_ROOM: Unit = Unit::new(include_str!("cache_make_room.sql"));
static CACHE_SIZE: Unit = Unit::new(include_str!("cache_size.sql"));
static CACHE_OLDEST: Unit = Unit::new(include_str!("cache_oldest.sql"));
static CACHE_EVICT: Unit = Unit::new(include_str!("cache_evict.sql"));
static CACHE_KEEP: Unit = Unit::new(include_str!("cache_keep.sql"));
static CACHE_DROP: Unit = Unit::new(include_str!("cache_drop.sql"));

/// A wish about the cache.
pub(super) enum Wish {
    Keep(Keep),
    Drop(Sort, Option<Group>),
}

#[async_trait]
impl Cache for File {
    async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        let CacheName { sort, group, key } = name;
        let mut reader = self.reader().await?;
        let now = self.clock.now();
        let found = CACHE_GET
            .run_one(&mut reader, |args| args.add(sort.as_str()).add(&group.0[..]).add(&key[..]).add(now))
            .await?;
        found.rows.first().map(|row| row::get(row, "value")).transpose()
    }

    async fn keep(&self, keep: Keep) -> Result<bool, Error> {
        check_keep(&keep)?;
        Ok(self.writer.ask(Op::Cache, Box::new(Wish::Keep(keep))).await? == 1)
    }

    fn is_apart(&self) -> bool {
        false
    }

    async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        self.writer.ask(Op::Cache, Box::new(Wish::Drop(sort, group))).await
    }
}

/// Carries out a wish; answers how many entries it kept or dropped.
pub(super) async fn perform(tx: &mut Tx<'_>, wish: &Wish) -> Result<u32, Error> {
    match wish {
        Wish::Keep(one) => keep(tx, one).await.map(u32::from),
        Wish::Drop(sort, group) => forget(tx, *sort, *group).await,
    }
}

/// Drops entries of a sort, at most [`MAX_DROPPED`].
pub(super) async fn forget(tx: &mut Tx<'_>, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
    let group = group.as_ref().map(|group| &group.0[..]);
    let done =
        CACHE_DROP.run_one(tx.conn, |args| args.add(sort.as_str()).add(group).add(group).add(MAX_DROPPED)).await?;
    Ok(done.changed as u32)
}

async fn keep(tx: &mut Tx<'_>, keep: &Keep) -> Result<bool, Error> {
    let Keep { name: CacheName { sort, group, key }, value, lasts, most } = keep;
    let (sort, now) = (sort.as_str(), tx.now);
    let bytes = value.len() as u64;
    CACHE_MAKE_ROOM
        .run_one(tx.conn, |args| args.add(sort).add(&group.0[..]).add(&key[..]).add(sort).add(now).add(MAX_DROPPED))
        .await?;
    if most.entries == 0 || bytes > most.bytes {
        return Ok(false);
    }
    let size = CACHE_SIZE.run_one(tx.conn, |args| args.add(sort)).await?;
    let count = |name| size.rows.first().map_or(Ok(0), |row| row::get::<i64>(row, name)).map(i64::cast_unsigned);
    let (mut entries, mut total) = (count("entries")?, count("bytes")?);
    let is_full = |entries: u64, total: u64| entries >= most.entries || total.saturating_add(bytes) > most.bytes;
    if is_full(entries, total) {
        let oldest = CACHE_OLDEST.run_one(tx.conn, |args| args.add(sort).add(MAX_DROPPED)).await?;
        let mut upto = None;
        for row in &oldest.rows {
            if !is_full(entries, total) {
                break;
            }
            upto = Some(row::get::<i64>(row, "seq")?);
            entries = entries.saturating_sub(1);
            total = total.saturating_sub(row::get::<i64>(row, "bytes")?.cast_unsigned());
        }
        if let Some(upto) = upto {
            CACHE_EVICT.run_one(tx.conn, |args| args.add(sort).add(upto)).await?;
        }
        // Where limits became much smaller, the next values find room.
        if is_full(entries, total) {
            return Ok(false);
        }
    }
    let ends = now.saturating_add(millis((*lasts).min(MAX_LASTS)));
    CACHE_KEEP
        .run_one(tx.conn, |args| {
            let args = args.add(sort).add(&group.0[..]).add(&key[..]).add(signed(bytes)).add(ends);
            args.add(&value[..])
        })
        .await?;
    Ok(true)
}
