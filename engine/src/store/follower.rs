//! A process that reads while another one writes: before it pins a commit, it brings its overlays up to that commit, from the
//! very transaction that it is about to read. So it sees what others have written at its next request, whatever the
//! threads are doing.

use std::sync::atomic::Ordering;

use super::follow_log;
use super::lock::lock;
use super::position::{Follower, Position, SCHEMA};
use super::stores::Stores;
use super::weights::ActiveWeights;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::catalog::CatalogRead;
use crate::store::{SPACES, Spaces};
use crate::vector::SpaceSpec;

/// How often a transaction is begun again that other readers have already gone beyond.
const ATTEMPTS: usize = 1000;

/// Covers the commits up to a transaction. False when other readers have gone beyond it: the overlays may lack versions that
/// it reads.
fn cover(follower: &Follower, stores: &Stores, catalog: &CatalogRead) -> Result<bool> {
    let transaction = catalog.transaction();
    if follower.transaction.load(Ordering::Acquire) == transaction {
        return Ok(true);
    }
    let mut position = lock(&follower.position);
    if position.transaction >= transaction {
        return Ok(position.transaction == transaction);
    }
    let now = Position::of(catalog, &position.watched)?;
    follow(stores, catalog, &position, &now, &follower.reopen)?;
    *position = now;
    follower.transaction.store(transaction, Ordering::Release);
    Ok(true)
}

/// Takes over everything that has changed between two positions.
fn follow(
    stores: &Stores,
    catalog: &CatalogRead,
    before: &Position,
    now: &Position,
    reopen: &dyn Fn(&CatalogRead) -> Result<()>,
) -> Result<()> {
    if now.schema != before.schema {
        read_schema(stores, catalog)?;
    }
    let lost = !follow_log::oplog_covers(catalog, before.seq)?;
    if now.in_use != before.in_use || lost {
        reopen(catalog)?;
    } else if now.weights != before.weights {
        let _one_at_a_time = stores.change();
        stores.set_weights(ActiveWeights::read(catalog.view(), &stores.model())?.into());
    }
    if lost {
        // The process that writes has cut its log behind files that it has written since.
        stores.text.reload(&stores.store_id)?;
        follow_log::cover_again(stores, catalog)?;
    } else if now.seq > before.seq {
        follow_log::stage_commits(stores, catalog, before.seq)?;
    }
    follow_log::stage_events(stores, catalog, before.seq)?;
    if now.applied > before.applied {
        stores.events.settle(now.applied);
    }
    Ok(())
}

/// Reads the fields and the vector spaces that the store knows now.
fn read_schema(stores: &Stores, catalog: &CatalogRead) -> Result<()> {
    let view = catalog.view();
    let mut schema: Schema = view.meta(SCHEMA)?.unwrap_or_default();
    schema.apply(&stores.config)?;
    let spaces: Spaces = view.meta(SPACES)?.unwrap_or_default();
    for row in spaces.0.iter().filter(|row| stores.vectors.space(&row.name).is_none()) {
        let spec = SpaceSpec { name: row.name.clone(), dimensions: row.dimensions as usize, id: row.id.clone() };
        stores.vectors.open_space(&spec, &[])?;
    }
    stores.schema.store(schema.into());
    stores.spaces.store(spaces.into());
    Ok(())
}

impl Stores {
    /// Pins the last commit of the catalog, with overlays that cover it.
    pub(crate) fn read(&self) -> Result<CatalogRead> {
        for _ in 0..ATTEMPTS {
            let catalog = self.catalog.read()?;
            match self.follower.load().as_ref() {
                Some(follower) if !cover(follower, self, &catalog)? => std::thread::yield_now(),
                _ => return Ok(catalog),
            }
        }
        Err(Error::internal("no commit could be followed"))
    }

    /// The last commit that overlays and indexes of a follower cover.
    pub(crate) fn position(&self) -> Option<Seq> {
        self.follower.load().as_ref().map(|follower| lock(&follower.position).seq)
    }
}
