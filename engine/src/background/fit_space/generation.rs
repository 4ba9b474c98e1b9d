//! A second generation of vectors beside the current one.
//!
//! The catalog is read in portions and embedded into the new space. Items that change meanwhile are in the op log, which is
//! not cut behind the start, and are embedded again. When few are left, the write transaction is taken: the rest is embedded
//! in it, and the record of the current space changes in the same commit. A crash before that commit leaves rows that
//! nothing reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::f16;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, SemanticId, Seq};
use crate::base::watch;
use crate::catalog::{CatalogRead, CatalogWrite, View};
use crate::model::{Model, SpaceTensors};
use crate::store::active_model::ActiveModel;
use crate::store::follow_log;
use crate::store::item_space::{self, FittedSpace, ItemSpace};
use crate::store::{Stores, lock_watched};
use crate::vector;

use super::flip::{Successor, make_current, missing};
use super::old_space::{delete_rows, release};

/// Items that are read and embedded at a time.
const CHUNK: usize = 1_000;
/// The flip comes when at most this many changed items are left, and after this many rounds in any case.
const LAST_ITEMS: usize = 64;
const ROUNDS: usize = 20;

/// A space that is being built.
pub(super) struct Generation<'s> {
    stores: &'s Stores,
    /// The active model, or the one that the items are moved to.
    model: Arc<Model>,
    space: ItemSpace,
    /// The commit whose items its vectors are of.
    seq: Seq,
    /// Until this is dropped the op log keeps what comes after `seq`.
    _hold: Hold<'s>,
}

/// Keeps the op log from being cut.
struct Hold<'s>(&'s Stores);

impl<'s> Hold<'s> {
    /// Holds the log from the next commit on.
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

/// Items with their vectors and semantic ids; `None` for an item that has no content, or was deleted.
type Placed = Vec<(ItemKey, Option<(Arc<[f16]>, SemanticId)>)>;

impl<'s> Generation<'s> {
    /// Removes an earlier generation of the same number, and stores the constants.
    pub(super) fn begin(
        stores: &'s Stores,
        model: Arc<Model>,
        fit: FittedSpace,
        tensors: Option<SpaceTensors>,
    ) -> Result<Generation<'s>> {
        release(stores, fit.number)?;
        delete_rows(stores, fit.number)?;
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

    /// Embeds every item, and makes the space current; `successor` becomes active with it.
    pub(super) fn fill(mut self, successor: Option<Successor<'_>>) -> Result<()> {
        let mut from = ItemKey(0);
        loop {
            self.stores.check_open()?;
            let catalog = self.stores.catalog.read()?;
            let rows = catalog.view().items(from)?.take(CHUNK).map(|row| row.map(|(key, _)| key));
            let keys = rows.collect::<Result<Vec<_>>>()?;
            let Some(last) = keys.last().copied() else { break };
            self.add(&catalog, &keys)?;
            watch::report("place", last.0 as usize + 1, catalog.counters().next_item as usize);
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
                self.stores.check_open()?;
                self.add(&catalog, keys)?;
            }
            self.seq = catalog.counters().seq;
        }
        self.flip(successor)
    }

    /// Adds items as a commit has them, in a transaction of their own.
    fn add(&self, catalog: &CatalogRead, keys: &[ItemKey]) -> Result<()> {
        let placed = self.embed(catalog.view(), keys)?;
        let mut write = self.stores.catalog.write()?;
        self.write(&mut write, &placed)?;
        write.commit_bookkeeping()?;
        self.apply(placed)
    }

    fn embed(&self, view: View<'_>, keys: &[ItemKey]) -> Result<Placed> {
        let mut texts = Vec::with_capacity(keys.len());
        for key in keys {
            texts.push(view.item(*key)?.map_or_else(String::new, |record| record.item.content(&self.stores.config)));
        }
        let embedded = self.model.embed(self.space.tensors(), &texts)?;
        let placed = embedded.into_iter().map(|one| one.map(|vectors| (vector::to_half(&vectors.item), vectors.sid)));
        Ok(keys.iter().copied().zip(placed).collect())
    }

    fn write(&self, write: &mut CatalogWrite<'_>, placed: &Placed) -> Result<()> {
        for (key, place) in placed {
            let bytes = place.as_ref().map(|(vector, _)| vector::to_bytes(vector));
            write.set_vector(self.space.number, *key, bytes.as_deref())?;
            write.set_sid(self.space.number, *key, place.as_ref().map(|(_, sid)| *sid))?;
        }
        Ok(())
    }

    fn apply(&self, placed: Placed) -> Result<()> {
        let (mut puts, mut deletes) = (Vec::with_capacity(placed.len()), Vec::new());
        for (key, place) in placed {
            match place {
                Some((vector, _)) => puts.push((key, vector)),
                None => deletes.push(key),
            }
        }
        self.space.graph.apply(&puts, &deletes)
    }

    /// Embeds the rest while writers wait, and makes the space current in the same commit.
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
        let placed = self.embed(write.view(), &changed)?;
        self.write(&mut write, &placed)?;
        self.apply(placed)?;
        self.space.graph.drain(Seq(write.seq().0 - 1));
        make_current(stores, write, &self.model, self.space, successor)?;
        // Without a file of the graph, opening would scan every vector while it is built again.
        let rows = stores.open_spaces()?;
        let (_, row, graph) = rows.iter().find(|(_, row, _)| row.is_items()).ok_or_else(missing)?;
        follow_log::checkpoint_vectors(stores, row, graph)
    }
}

/// Moves every item into the space that another model ships with, and makes that model active: in one commit, together with
/// what `record` writes. Until then the active model answers. The caller holds [`Stores::change`], or owns the store.
///
/// # Errors
/// [`Error::Closed`] when the engine closes meanwhile, and errors of reading, embedding and writing; nothing changes then.
pub(crate) fn move_to(
    stores: &Stores,
    active: Arc<ActiveModel>,
    record: &dyn Fn(&mut CatalogWrite<'_>) -> Result<()>,
) -> Result<()> {
    let _one_at_a_time = lock_watched(&stores.fitting)?;
    let model = active.model.clone();
    let space = FittedSpace::shipped_with(&model, stores.item_space()?.other_number());
    Generation::begin(stores, model, space, None)?.fill(Some(Successor { active, record }))
}
