//! A second generation of vectors beside the live one, and the flip.
//!
//! The catalog is read in portions and placed anew; what changes meanwhile is in the op log, which is not cut behind the
//! start, and is placed again. When little is left, the write transaction is taken: the rest is placed in it, and the
//! record of the live space changes in the same commit. A crash before that commit leaves rows that nothing reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::f16;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, SemanticId, Seq};
use crate::catalog::{CatalogRead, CatalogWrite, View};
use crate::model::{Model, SpaceTensors};
use crate::store::active_model::Live;
use crate::store::follow_log;
use crate::store::item_space::{self, FittedSpace, ItemSpace};
use crate::store::{Stores, lock};
use crate::vector;

use super::flip::{Successor, make_live, missing};
use super::old_space::{forget, sweep};

/// Items that are read and placed at a time.
const CHUNK: usize = 1_000;
/// Items that changed meanwhile and are left for the transaction of the flip, and rounds before it comes in any case.
const LAST_ITEMS: usize = 64;
const ROUNDS: usize = 20;
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

/// Places every item in the space that another model ships with, and lets that model answer: in one commit, together with
/// what `note` writes. Until then the one that is live answers. The caller holds [`Stores::change`], or owns the store.
///
/// # Errors
/// [`Error::Closed`] when the engine closes meanwhile, and what reading, embedding and writing answer; nothing changes then.
pub(crate) fn move_to(
    stores: &Stores,
    live: Arc<Live>,
    note: &dyn Fn(&mut CatalogWrite<'_>) -> Result<()>,
) -> Result<()> {
    let _one_at_a_time = lock(&stores.fitting);
    let model = live.model.clone();
    let space = FittedSpace::shipped_with(&model, stores.item_space()?.other_number());
    Generation::begin(stores, model, space, None)?.fill(Some(Successor { live, note }))
}
