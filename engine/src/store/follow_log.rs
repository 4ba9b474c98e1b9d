//! Bringing what is derived in line with what is true.
//!
//! One piece of code serves three moments: replaying the op log at open, following the writer while the engine runs,
//! and rebuilding an index that is missing or damaged. An entry of the op log names an item and nothing else; applying
//! it reads the item's current row: present, it is put; absent, it is deleted. So replay may be repeated, and order
//! does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::f16;

use crate::base::error::Result;
use crate::base::id::{Generation, ItemKey, Seq};
use crate::base::watch;
use crate::catalog::{CatalogRead, SpaceNumber, View};
use crate::store::{SpaceRow, Stores};
use crate::text::{TextChange, TextDoc, TextStamp};
use crate::vector::{self, Space, VectorCheckpoint};

/// Items that are read, applied and dropped at a time, so that a rebuild needs bounded memory and short transactions.
const CHUNK: usize = 4096;
/// Documents of a rebuild that are applied at a time: a call that is told to stop waits for no more.
const SOME: usize = 512;

/// The meta record that says up to which commit the op log was cut.
const OPLOG_CUT: &str = "oplog_cut";
/// The meta record that lists the vector files that can be trusted.
pub(crate) const CHECKPOINTS: &str = "vector_checkpoints";

/// Whether the op log still holds every commit after `seq`.
pub(crate) fn oplog_covers(catalog: &CatalogRead, seq: Seq) -> Result<bool> {
    let cut: Seq = catalog.view().meta(OPLOG_CUT)?.unwrap_or_default();
    Ok(seq >= cut && seq <= catalog.counters().seq)
}

/// The items that commits after `after` changed, each once, in order of key.
pub(crate) fn changed_since(catalog: &CatalogRead, after: Seq) -> Result<Vec<ItemKey>> {
    let mut keys = BTreeSet::new();
    for entry in catalog.view().oplog(after)? {
        keys.extend(entry?.1);
    }
    Ok(keys.into_iter().collect())
}

/// Shows everything that the indexes lack to readers, through the overlays: before the first request. `text_at`: the commit
/// that the text index holds; `None` when it holds nothing.
pub(crate) fn cover_tail(
    stores: &Stores,
    catalog: &CatalogRead,
    text_at: Option<Seq>,
    spaces: &[(SpaceNumber, Arc<Space>)],
) -> Result<()> {
    let seq = catalog.counters().seq;
    let mut oldest = seq;
    if let Some(at) = text_at {
        stage_text(stores, catalog, &changed_since(catalog, at)?)?;
        oldest = oldest.min(at);
    } else {
        stage_text(stores, catalog, &all_items(catalog)?)?;
    }
    for (number, space) in spaces {
        oldest = oldest.min(stage_missing(catalog, *number, space)?);
    }
    add_recent(stores, catalog, oldest)
}

/// Shows the vectors that the graph of a space lacks to readers. Returns the commit that the graph holds.
fn stage_missing(catalog: &CatalogRead, number: SpaceNumber, space: &Space) -> Result<Seq> {
    let at = space.applied();
    let staged = match oplog_covers(catalog, at)? && at > Seq(0) {
        true => vectors_of(catalog, number, &changed_since(catalog, at)?)?,
        // The graph starts empty: every vector is scanned exactly until the background thread has built it.
        false => all_vectors(catalog, number)?,
    };
    space.stage(catalog.counters().seq, staged)?;
    Ok(at)
}

/// Covers a space whose graph was opened beside the other indexes.
pub(crate) fn cover_space(stores: &Stores, catalog: &CatalogRead, number: SpaceNumber, space: &Space) -> Result<()> {
    let at = stage_missing(catalog, number, space)?;
    add_recent(stores, catalog, at)
}

fn add_recent(stores: &Stores, catalog: &CatalogRead, after: Seq) -> Result<()> {
    for entry in catalog.view().oplog(after)? {
        let (seq, keys) = entry?;
        stores.recent.add(seq, keys);
    }
    Ok(())
}

/// The same for a process that was left behind the op log: its indexes may hold any version of any item.
pub(crate) fn cover_again(stores: &Stores, catalog: &CatalogRead) -> Result<()> {
    let counters = catalog.counters();
    stores.recent.add(counters.seq, (0..counters.next_item).map(ItemKey));
    let text_at = Some(stores.text.view().applied()).filter(|at| *at <= counters.seq);
    let text_at = match text_at {
        Some(at) if oplog_covers(catalog, at)? => Some(at),
        _ => None,
    };
    let spaces: Vec<_> = stores.open_spaces()?.into_iter().map(|(number, _, space)| (number, space)).collect();
    cover_tail(stores, catalog, text_at, &spaces)
}

/// Shows what the commits after `after` changed, as the process that made them did.
pub(crate) fn stage_commits(stores: &Stores, catalog: &CatalogRead, after: Seq) -> Result<()> {
    let mut changed = BTreeSet::new();
    for entry in catalog.view().oplog(after)? {
        let (seq, keys) = entry?;
        changed.extend(keys.iter().copied());
        stores.recent.add(seq, keys);
    }
    if changed.is_empty() {
        return Ok(());
    }
    let changed: Vec<ItemKey> = changed.into_iter().collect();
    stage_text(stores, catalog, &changed)?;
    let seq = catalog.counters().seq;
    for (number, _, space) in stores.open_spaces()? {
        space.stage(seq, vectors_of(catalog, number, &changed)?)?;
    }
    stores.progress.commit(seq);
    Ok(())
}

/// Shows the current versions of items to readers, each as part of the commit that put it.
fn stage_text(stores: &Stores, catalog: &CatalogRead, keys: &[ItemKey]) -> Result<()> {
    let mut commits: BTreeMap<Seq, Vec<TextDoc>> = BTreeMap::new();
    for key in keys {
        let Some(record) = catalog.view().item(*key)? else { continue };
        stores.events.adopt(&record.item.id, *key);
        let doc = TextDoc { key: *key, generation: record.generation, fields: Arc::new(record.item.fields) };
        commits.entry(record.generation).or_default().push(doc);
    }
    for (seq, docs) in commits {
        stores.text.stage(seq, docs, &stores.schema.load());
    }
    Ok(())
}

/// Shows the events that are journaled and not applied to readers: before the first request.
pub(crate) fn cover_journal(stores: &Stores, catalog: &CatalogRead) -> Result<()> {
    stores.events.settle(catalog.counters().applied);
    stage_events(stores, catalog, Seq(0))
}

/// Shows the events of the commits after `after` that are not applied.
pub(crate) fn stage_events(stores: &Stores, catalog: &CatalogRead, after: Seq) -> Result<()> {
    let view = catalog.view();
    for row in view.journal(after.max(catalog.counters().applied))? {
        let (seq, entries) = row?;
        stores.events.stage(seq, &entries, &stores.config, |id| view.item_key(id).ok().flatten());
    }
    Ok(())
}

type Staged = Vec<(ItemKey, Generation, Arc<[f16]>)>;

fn vectors_of(catalog: &CatalogRead, space: SpaceNumber, keys: &[ItemKey]) -> Result<Staged> {
    let view = catalog.view();
    let mut staged = Vec::new();
    for key in keys {
        if let (Some(head), Some(bytes)) = (view.head(*key)?, view.vector(space, *key)?) {
            staged.push((*key, head.generation, vector::from_bytes(bytes, bytes.len() / 2)?));
        }
    }
    Ok(staged)
}

fn all_vectors(catalog: &CatalogRead, space: SpaceNumber) -> Result<Staged> {
    let view = catalog.view();
    let mut staged = Vec::new();
    for row in view.vectors(space, ItemKey(0))? {
        let (key, bytes) = row?;
        if let Some(head) = view.head(key)? {
            staged.push((key, head.generation, vector::from_bytes(bytes, bytes.len() / 2)?));
        }
    }
    Ok(staged)
}

fn all_items(catalog: &CatalogRead) -> Result<Vec<ItemKey>> {
    catalog.view().items(ItemKey(0))?.map(|row| row.map(|(key, _)| key)).collect()
}

fn text_doc(catalog: &CatalogRead, key: ItemKey) -> Result<Option<TextDoc>> {
    let record = catalog.view().item(key)?;
    Ok(record.map(|r| TextDoc { key, generation: r.generation, fields: Arc::new(r.item.fields) }))
}

/// Brings the text index up to the last commit and makes it durable there.
pub(crate) fn catch_up_text(stores: &Stores, after: Seq) -> Result<Seq> {
    let catalog = stores.catalog.read()?;
    for keys in changed_since(&catalog, after)?.chunks(CHUNK) {
        let mut changes = Vec::with_capacity(keys.len());
        for key in keys {
            watch::check()?;
            changes.push(match text_doc(&catalog, *key)? {
                Some(doc) => TextChange::Put(doc),
                None => TextChange::Delete(*key),
            });
        }
        stores.text.apply(changes, &stores.schema.load())?;
    }
    commit_text(stores, &catalog)
}

/// Feeds the whole catalog to the emptied text index.
pub(crate) fn rebuild_text(stores: &Stores) -> Result<Seq> {
    stores.text.clear()?;
    let catalog = stores.catalog.read()?;
    let (mut changes, mut done) = (Vec::new(), 0);
    for row in catalog.view().items(ItemKey(0))? {
        let (key, record) = row?;
        let fields = Arc::new(record.item.fields);
        changes.push(TextChange::Put(TextDoc { key, generation: record.generation, fields }));
        done += 1;
        watch::step("text", done, catalog.counters().items as usize)?;
        if changes.len() == SOME {
            stores.text.apply(std::mem::take(&mut changes), &stores.schema.load())?;
        }
    }
    stores.text.apply(changes, &stores.schema.load())?;
    commit_text(stores, &catalog)
}

fn commit_text(stores: &Stores, catalog: &CatalogRead) -> Result<Seq> {
    let counters = catalog.counters();
    let stamp =
        TextStamp { seq: counters.seq, items: counters.items, digest: counters.digest, store: stores.store_id.clone() };
    stores.text.commit(&stamp)?;
    Ok(counters.seq)
}

/// Whether a text index that was found on disk can be followed up, or must be rebuilt.
pub(crate) fn text_is_usable(catalog: &CatalogRead, stamp: &TextStamp) -> Result<bool> {
    let counters = catalog.counters();
    let unchanged = stamp.seq <= counters.seq && catalog.view().oplog(stamp.seq)?.next().is_none();
    let agrees = !unchanged || (stamp.items == counters.items && stamp.digest == counters.digest);
    Ok(agrees && oplog_covers(catalog, stamp.seq)?)
}

/// Brings one vector index up to the last commit (in memory; `checkpoint` makes it durable), and says how many items
/// that touched. Ends early when the engine closes: what is missing is replayed at the next open.
pub(crate) fn catch_up_vectors(stores: &Stores, number: SpaceNumber, space: &Space) -> Result<u64> {
    // Covered by the overlays: what enters the graph must be among the recent keys of every reader.
    let catalog = stores.read()?;
    let seq = catalog.counters().seq;
    let at = space.applied();
    if at >= seq {
        return Ok(0);
    }
    let keys = match oplog_covers(&catalog, at)? && at > Seq(0) {
        true => changed_since(&catalog, at)?,
        false => all_keys(&catalog, number)?,
    };
    for chunk in keys.chunks(CHUNK) {
        if stores.progress.is_closing() {
            return Ok(0);
        }
        let (mut puts, mut deletes) = (Vec::with_capacity(chunk.len()), Vec::new());
        for key in chunk {
            match catalog.view().vector(number, *key)? {
                Some(bytes) => puts.push((*key, vector::from_bytes(bytes, bytes.len() / 2)?)),
                None => deletes.push(*key),
            }
        }
        space.apply(&puts, &deletes)?;
    }
    space.drain(seq);
    Ok(keys.len() as u64)
}

fn all_keys(catalog: &CatalogRead, space: SpaceNumber) -> Result<Vec<ItemKey>> {
    catalog.view().vectors(space, ItemKey(0))?.map(|row| row.map(|(key, _)| key)).collect()
}

/// Writes the graph of a space to disk and records the file. The record comes last: a file that no record names is
/// never opened.
pub(crate) fn checkpoint_vectors(stores: &Stores, row: &SpaceRow, space: &Space) -> Result<()> {
    let written = space.checkpoint(space.applied())?;
    let mut write = stores.catalog.write()?;
    if stores.vectors.space(&row.name).is_none_or(|open| open.id() != space.id()) {
        // A fit has taken its place meanwhile. The file goes with the next pruning.
        return Ok(());
    }
    let mut all: Vec<VectorCheckpoint> = write.view().meta(CHECKPOINTS)?.unwrap_or_default();
    // One older file of the space is kept, so that a damaged newest one costs a replay and not a rebuild.
    let same = |c: &&VectorCheckpoint| c.space == row.name && c.space_id == written.space_id && c.file != written.file;
    let older = all.iter().filter(same).max_by_key(|c| c.seq).cloned();
    all.retain(|c| c.space != row.name);
    all.extend(older);
    all.push(written);
    write.set_meta(CHECKPOINTS, &all)?;
    write.commit_bookkeeping()?;
    space.prune(&all)
}

/// Drops the records and the files of all checkpoints but the newest of each space.
pub(crate) fn drop_older_checkpoints(stores: &Stores) -> Result<()> {
    let mut write = stores.catalog.write()?;
    let all: Vec<VectorCheckpoint> = write.view().meta(CHECKPOINTS)?.unwrap_or_default();
    // Of two of one commit the later record is that of the graph which was built again.
    let mut newest: Vec<VectorCheckpoint> = Vec::new();
    for one in all {
        match newest.iter_mut().find(|other| other.space == one.space) {
            Some(other) if other.seq <= one.seq => *other = one,
            Some(_) => {}
            None => newest.push(one),
        }
    }
    write.set_meta(CHECKPOINTS, &newest)?;
    write.commit_bookkeeping()?;
    stores.open_spaces()?.iter().try_for_each(|(_, _, space)| space.prune(&newest))
}

/// Cuts the op log behind what every index holds durably. IMPORTANT: only after those files were fsynced.
pub(crate) fn cut_oplog(stores: &Stores, text_durable: Seq) -> Result<()> {
    let due = |view: View<'_>| -> Result<Option<Seq>> {
        let all: Vec<VectorCheckpoint> = view.meta(CHECKPOINTS)?.unwrap_or_default();
        let held = [&stores.oplog_hold, &stores.followers_at].map(|hold| Seq(hold.load(Ordering::SeqCst)));
        let mut cut = held.into_iter().fold(text_durable, Seq::min);
        for (_, row, space) in stores.open_spaces()? {
            // The newest file of each space counts; if it turns out damaged, the older one may need a rebuild.
            let of_space = |c: &&VectorCheckpoint| c.space == row.name && c.space_id == space.id();
            let newest = all.iter().filter(of_space).map(|c| c.seq).max();
            cut = cut.min(newest.unwrap_or_default());
        }
        let before: Seq = view.meta(OPLOG_CUT)?.unwrap_or_default();
        Ok((cut > before).then_some(cut))
    };
    if due(stores.catalog.read()?.view())?.is_none() {
        return Ok(());
    }
    let mut write = stores.catalog.write()?;
    if let Some(cut) = due(write.view())? {
        write.cut_oplog(cut)?;
        write.set_meta(OPLOG_CUT, &cut)?;
        write.commit_bookkeeping()?;
    }
    Ok(())
}

/// Rebuilds the graph of a space, because deletes left too many holes in it. Until it has caught up, readers scan
/// its vectors exactly.
pub(crate) fn rebuild_vectors(stores: &Stores, number: SpaceNumber, space: &Space) -> Result<()> {
    let catalog = stores.read()?;
    space.stage(catalog.counters().seq, all_vectors(&catalog, number)?)?;
    space.clear()
}

/// Vectors of a space that commits up to `applied` wrote, from a place that differs from call to call, for
/// `Space::self_recall`. What came later is not in the graph yet, and that is no fault of the graph.
pub(crate) fn sample_vectors(
    stores: &Stores,
    number: SpaceNumber,
    applied: Seq,
    count: usize,
) -> Result<Vec<(ItemKey, Arc<[f16]>)>> {
    let catalog = stores.catalog.read()?;
    let (counters, view) = (catalog.counters(), catalog.view());
    // A multiplicative hash of the commit (Knuth): a start that is spread over the keys without a random source.
    let start = counters.seq.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) % counters.next_item.max(1);
    let (behind, ahead) = (view.vectors(number, ItemKey(start))?, view.vectors(number, ItemKey(0))?);
    let mut sample = Vec::with_capacity(count);
    for row in behind.chain(ahead) {
        let (key, bytes) = row?;
        if view.head(key)?.is_some_and(|head| head.generation <= applied) {
            sample.push((key, vector::from_bytes(bytes, bytes.len() / 2)?));
        }
        if sample.len() == count {
            break;
        }
    }
    Ok(sample)
}
