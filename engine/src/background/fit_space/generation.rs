//! A second generation of vectors beside the live one, and the flip.
//!
//! The catalog is read in portions and placed anew; what changes meanwhile is in the op log, which is not cut behind the
//! start, and is placed again. When little is left, the write transaction is taken: the rest is placed in it, and the
//! record of the live space changes in the same commit. A crash before that commit leaves rows that nothing reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use half::f16;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, SemanticId, Seq};
use crate::catalog::{CatalogRead, CatalogWrite, SpaceNumber, View};
use crate::model::{Model, SpaceTensors};
use crate::store::active_model::Live;
use crate::store::follow_log;
use crate::store::item_space::{self, FittedSpace, ItemSpace, ItemSpaces};
use crate::store::{SPACES, Spaces, Stores};
use crate::vector;

use super::CHUNK;

/// Items that changed meanwhile and are left for the transaction of the flip, and rounds before it comes in any case.
const LAST_ITEMS: usize = 64;
const ROUNDS: usize = 20;
/// Rows of a space that are deleted in one transaction.
const ROWS: usize = 10_000;
/// How often it is looked whether a request is done.
const WAIT: Duration = Duration::from_millis(10);

/// A space that is being made.
pub(super) struct Generation<'s> {
    stores: &'s Stores,
    /// Of the space's base, as every model is that answers meanwhile, unless it is the one that the items are moved to.
    model: Arc<Model>,
    space: ItemSpace,
    /// The commit that its vectors are as of.
    seq: Seq,
    /// Until this is dropped the op log keeps what comes after `seq`.
    _hold: Hold<'s>,
}

/// What answers in a space that another model ships with, from the flip on.
pub(crate) struct Successor<'a> {
    pub live: Arc<Live>,
    /// Writes into the commit of the flip that it is live.
    pub note: &'a dyn Fn(&mut CatalogWrite<'_>) -> Result<()>,
}

/// Keeps the op log from being cut.
struct Hold<'s>(&'s Stores);

impl<'s> Hold<'s> {
    /// From the next commit on: what is cut at this moment is older than that.
    fn new(stores: &'s Stores) -> Hold<'s> {
        stores.oplog_hold.store(0, Ordering::SeqCst);
        Hold(stores)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.oplog_hold.store(u64::MAX, Ordering::SeqCst);
    }
}

/// Items with where they are placed (`None`: they have no content, or are gone).
type Places = Vec<(ItemKey, Option<(Arc<[f16]>, SemanticId)>)>;

impl<'s> Generation<'s> {
    /// Clears the place of an earlier one, and stores the constants.
    pub(super) fn begin(
        stores: &'s Stores,
        model: Arc<Model>,
        fit: FittedSpace,
        tensors: Option<SpaceTensors>,
    ) -> Result<Generation<'s>> {
        forget(stores, fit.number)?;
        sweep(stores, fit.number)?;
        if let Some(tensors) = &tensors {
            let mut write = stores.catalog.write()?;
            write.set_meta(&FittedSpace::tensors(fit.number), tensors)?;
            write.commit_bookkeeping()?;
        }
        let graph = stores.vectors.prepare_space(&item_space::spec(&model, &fit.id))?;
        let space = ItemSpace::new(fit, tensors, graph);
        let hold = Hold::new(stores);
        let seq = stores.catalog.read()?.counters().seq;
        Ok(Generation { stores, model, space, seq, _hold: hold })
    }

    /// Places every item, and makes the space live, and with it what answers in it where that changes.
    pub(super) fn fill(mut self, successor: Option<Successor<'_>>) -> Result<()> {
        let mut from = ItemKey(0);
        loop {
            self.stores.check_open()?;
            let catalog = self.stores.catalog.read()?;
            let rows = catalog.view().items(from)?.take(CHUNK).map(|row| row.map(|(key, _)| key));
            let keys = rows.collect::<Result<Vec<_>>>()?;
            let Some(last) = keys.last().copied() else { break };
            self.add(&catalog, &keys)?;
            from = ItemKey(last.0 + 1);
        }
        for _ in 0..ROUNDS {
            self.stores.check_open()?;
            let catalog = self.stores.catalog.read()?;
            let changed = follow_log::changed_since(&catalog, self.seq)?;
            if changed.len() <= LAST_ITEMS {
                break;
            }
            for keys in changed.chunks(CHUNK) {
                self.add(&catalog, keys)?;
            }
            self.seq = catalog.counters().seq;
        }
        self.flip(successor)
    }

    /// Places items as a commit has them, in transactions of their own.
    fn add(&self, catalog: &CatalogRead, keys: &[ItemKey]) -> Result<()> {
        let places = self.place(catalog.view(), keys)?;
        let mut write = self.stores.catalog.write()?;
        self.write(&mut write, &places)?;
        write.commit_bookkeeping()?;
        self.apply(places)
    }

    fn place(&self, view: View<'_>, keys: &[ItemKey]) -> Result<Places> {
        let mut texts = Vec::with_capacity(keys.len());
        for key in keys {
            texts.push(view.item(*key)?.map_or_else(String::new, |record| record.item.content(&self.stores.config)));
        }
        let embedded = self.model.embed(self.space.tensors(), &texts)?;
        let places = embedded.into_iter().map(|one| one.map(|vectors| (vector::to_half(&vectors.item), vectors.sid)));
        Ok(keys.iter().copied().zip(places).collect())
    }

    fn write(&self, write: &mut CatalogWrite<'_>, places: &Places) -> Result<()> {
        for (key, place) in places {
            let bytes = place.as_ref().map(|(vector, _)| vector::to_bytes(vector));
            write.set_vector(self.space.number, *key, bytes.as_deref())?;
            write.set_sid(self.space.number, *key, place.as_ref().map(|(_, sid)| *sid))?;
        }
        Ok(())
    }

    fn apply(&self, places: Places) -> Result<()> {
        let (mut puts, mut deletes) = (Vec::with_capacity(places.len()), Vec::new());
        for (key, place) in places {
            match place {
                Some((vector, _)) => puts.push((key, vector)),
                None => deletes.push(key),
            }
        }
        self.space.graph.apply(&puts, &deletes)
    }

    /// Places the rest while nobody can write, and makes the space live in the same commit.
    fn flip(self, successor: Option<Successor<'_>>) -> Result<()> {
        let stores = self.stores;
        let mut write = stores.catalog.write()?;
        if let Some(reason) = stores.poisoned.load_full() {
            return Err(Error::Poisoned { reason: reason.to_string() });
        }
        let mut changed = Vec::new();
        for entry in write.view().oplog(self.seq)? {
            changed.extend(entry?.1);
        }
        changed.sort_unstable();
        changed.dedup();
        let places = self.place(write.view(), &changed)?;
        self.write(&mut write, &places)?;
        self.apply(places)?;
        self.space.graph.settle(Seq(write.seq().0 - 1));
        make_live(stores, write, &self.model, self.space, successor)?;
        // Its file: without one, opening would scan every vector while the graph is built again.
        let rows = stores.open_spaces()?;
        let (_, row, graph) = rows.iter().find(|(_, row, _)| row.is_items()).ok_or_else(missing)?;
        follow_log::checkpoint_vectors(stores, row, graph)
    }
}

fn missing() -> Error {
    Error::internal("the item space is missing")
}

/// Commits that a space is the live one.
///
/// IMPORTANT: the order. A reader finds the space of the commit that it pins, whichever that is, because both are known
/// before the commit, and so is the model that answers in it; background work follows the new one after it. They stay known
/// when the commit fails: nobody knows then what reached the disk.
fn make_live(
    stores: &Stores,
    mut write: CatalogWrite<'_>,
    model: &Model,
    space: ItemSpace,
    successor: Option<Successor<'_>>,
) -> Result<()> {
    let fit = space.fit.clone().ok_or_else(missing)?;
    let space = Arc::new(space);
    let before = stores.item_spaces()?;
    let all: Vec<Arc<ItemSpace>> = before.all.iter().cloned().chain([space.clone()]).collect();
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { live: before.live.clone(), all: all.clone() })));
    let mut rows = Spaces::clone(&stores.spaces.load());
    rows.set_items(model);
    write.set_meta(SPACES, &rows)?;
    stores.spaces.store(Arc::new(rows));
    if let Some(Successor { live, note }) = &successor {
        note(&mut write)?;
        stores.announce_live(live.clone());
    }
    fit.make_live(&mut write)?;
    write.commit_bookkeeping()?;
    stores.vectors.replace_space(space.graph.clone());
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { live: space, all })));
    if let Some(Successor { live, .. }) = successor {
        stores.set_live(live);
    }
    stores.progress.ring();
    Ok(())
}

/// Makes an empty store work in the space of another one, for a copy of its items.
pub(crate) fn adopt(stores: &Stores, source: &ItemSpace) -> Result<()> {
    let (Some(fit), Some(tensors)) = (&source.fit, source.tensors()) else { return Ok(()) };
    let model = stores.model();
    let graph = stores.vectors.prepare_space(&item_space::spec(&model, &fit.id))?;
    let space = ItemSpace::new(fit.clone(), Some(tensors.clone()), graph);
    let mut write = stores.catalog.write()?;
    write.set_meta(&FittedSpace::tensors(fit.number), tensors)?;
    make_live(stores, write, &model, space, None)
}

/// Deletes the rows of the space before the last flip when no request reads it any more, and those that a crash left.
pub(crate) fn forget_old(stores: &Stores) -> Result<()> {
    let Ok(_nobody_fits) = stores.fitting.try_lock() else { return Ok(()) };
    let spaces = stores.item_spaces()?;
    let number = spaces.live.other_number();
    if spaces.all.iter().any(|space| space.number == number && Arc::strong_count(space) > 1) {
        // Another time.
        return Ok(());
    }
    drop(spaces);
    forget(stores, number)?;
    sweep(stores, number)
}

/// Lets go of the old space under a number, and waits for the requests that still read it. A reader that has pinned a
/// commit and comes too late for its space pins a newer one.
fn forget(stores: &Stores, number: SpaceNumber) -> Result<()> {
    let spaces = stores.item_spaces()?;
    let kept = spaces.all.iter().filter(|space| space.number != number).cloned().collect();
    let old: Vec<Arc<ItemSpace>> = spaces.all.iter().filter(|space| space.number == number).cloned().collect();
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { live: spaces.live.clone(), all: kept })));
    drop(spaces);
    while old.iter().any(|space| Arc::strong_count(space) > 1) {
        stores.check_open()?;
        std::thread::sleep(WAIT);
    }
    Ok(())
}

/// Deletes all rows of a number that is not live, a portion after the other.
fn sweep(stores: &Stores, number: SpaceNumber) -> Result<()> {
    while stores.catalog.read()?.view().has_space(number)? {
        stores.check_open()?;
        let mut write = stores.catalog.write()?;
        write.clear_space(number, ROWS)?;
        write.commit_bookkeeping()?;
    }
    Ok(())
}
