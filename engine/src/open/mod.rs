//! Opening: lock, format, catalog, model, indexes, and whatever the indexes lack.

mod directory;
mod format;
mod lock;

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::catalog::{Catalog, SpaceNumber};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event_tail::EventTail;
use crate::id::Seq;
use crate::impression_queue::ImpressionQueue;
use crate::item_space::{self, ItemSpace, ItemSpaces};
use crate::live_weights::LiveWeights;
use crate::model::Model;
use crate::recover::{self, CHECKPOINTS};
use crate::schema::Schema;
use crate::stores::{ITEM_SPACE, Progress, Recent, SpaceRow, Spaces, Stores};
use crate::text::TextStore;
use crate::vector::{Space, SpaceSpec, VectorCheckpoint, VectorStore};

pub(crate) use lock::DirectoryLock;

/// What `open` hands to the engine.
pub(crate) struct Opened {
    pub stores: Stores,
    pub lock: DirectoryLock,
    /// The commit that the text index holds on disk.
    pub text_durable: Seq,
}

/// Opens or creates the directory. When this returns, every acknowledged write can be read.
pub(crate) fn open(path: &Path, config: Config) -> Result<Opened> {
    config.validate()?;
    directory::prepare(path, config.force_network_fs)?;
    let lock = DirectoryLock::take(path)?;
    let format = format::read(path)?;
    // The model first: nothing is created in the directory of a machine that cannot run it.
    let model = Model::load(&config)?;
    let catalog = Catalog::open(path, config.max_bytes)?;
    let store_id = format::settle(path, format, &catalog)?;
    let (schema, spaces) = learn(&catalog, &config, &model)?;
    let (text, text_at) = open_text(path, &store_id, &catalog)?;
    let weights = LiveWeights::read(catalog.read()?.view(), &model)?;
    let vectors = VectorStore::open(&path.join("vector"), &path.join("quarantine"), threads(config.index_threads))?;
    let stores = Stores {
        path: path.to_owned(),
        store_id,
        config,
        catalog,
        text,
        vectors,
        model,
        schema: ArcSwap::from_pointee(schema),
        spaces: ArcSwap::from_pointee(spaces),
        recent: Recent::default(),
        impressions: ImpressionQueue::default(),
        events: EventTail::default(),
        weights: ArcSwap::from_pointee(weights),
        progress: Progress::default(),
        poisoned: ArcSwapOption::empty(),
        background_error: ArcSwapOption::empty(),
        calibration_error: ArcSwapOption::empty(),
        copies: Mutex::default(),
        item_spaces: ArcSwapOption::empty(),
        fitting: Mutex::default(),
        oplog_hold: AtomicU64::new(u64::MAX),
    };
    let text_durable = match text_at {
        Some(at) => at,
        None => recover::rebuild_text(&stores)?,
    };
    let spaces = open_spaces(&stores)?;
    recover::cover_tail(&stores, Some(text_durable), &spaces)?;
    recover::cover_journal(&stores)?;
    stores.progress.commit(last_item_commit(&stores, text_durable, &spaces)?);
    Ok(Opened { stores, lock, text_durable })
}

/// One thread for each core, at most 8, unless the configuration says.
fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(8),
        n => n,
    }
}

/// Schema and vector spaces as stored, with what the configuration and the model add.
fn learn(catalog: &Catalog, config: &Config, model: &Model) -> Result<(Schema, Spaces)> {
    let read = catalog.read()?;
    let mut schema: Schema = read.view().meta("schema")?.unwrap_or_default();
    let mut spaces: Spaces = read.view().meta("spaces")?.unwrap_or_default();
    let before = (schema.clone(), spaces.clone());
    schema.apply(config)?;
    match spaces.0.iter().find(|row| row.name == ITEM_SPACE) {
        Some(row) if row.id != model.space_id() && read.counters().items > 0 => {
            return Err(Error::ModelRefused {
                path: config.model.clone().unwrap_or_else(|| "(the model that ships with the engine)".into()),
                expected: format!("vector space {}, which the stored vectors live in", row.id),
                found: format!("vector space {}", model.space_id()),
            });
        }
        _ => set_item_space(&mut spaces, model),
    }
    let empty = read.counters().items == 0;
    drop(read);
    let mut write = catalog.write()?;
    item_space::settle(&mut write, model, empty)?;
    if (&schema, &spaces) != (&before.0, &before.1) {
        write.set_meta("schema", &schema)?;
        write.set_meta("spaces", &spaces)?;
    }
    write.commit_bookkeeping()?;
    Ok((schema, spaces))
}

/// The model's space is number 0 from the first open on, so that it is there before any item.
fn set_item_space(spaces: &mut Spaces, model: &Model) {
    let row =
        SpaceRow { name: ITEM_SPACE.to_owned(), id: model.space_id().to_owned(), dimensions: model.width() as u32 };
    match spaces.0.first_mut() {
        Some(first) => *first = row,
        None => spaces.0.push(row),
    }
}

/// The text index, and the commit it holds; `None` when it must be fed anew.
fn open_text(path: &Path, store_id: &str, catalog: &Catalog) -> Result<(TextStore, Option<Seq>)> {
    let (text, stamp) = TextStore::open(&path.join("text"), &path.join("quarantine"), store_id)?;
    let read = catalog.read()?;
    match stamp {
        Some(stamp) if recover::text_is_usable(&read, &stamp)? => Ok((text, Some(stamp.seq))),
        _ => Ok((text, None)),
    }
}

fn open_spaces(stores: &Stores) -> Result<Vec<(SpaceNumber, Arc<Space>)>> {
    let read = stores.catalog.read()?;
    let checkpoints: Vec<VectorCheckpoint> = read.view().meta(CHECKPOINTS)?.unwrap_or_default();
    let open = |spec: &SpaceSpec| -> Result<Arc<Space>> {
        let at = stores.vectors.open_space(spec, &checkpoints)?;
        let space = stores.vectors.space(&spec.name).ok_or_else(|| Error::internal("a space did not open"))?;
        match at {
            Some(at) if !recover::oplog_covers(&read, at)? => space.clear()?,
            _ => {}
        }
        Ok(space)
    };
    for row in stores.spaces.load().0.iter().filter(|row| row.name != ITEM_SPACE) {
        open(&SpaceSpec { name: row.name.clone(), dimensions: row.dimensions as usize, id: row.id.clone() })?;
    }
    let items = ItemSpace::read(read.view(), &stores.model, open)?;
    stores.item_spaces.store(Some(Arc::new(ItemSpaces::of(Arc::new(items)))));
    let all = stores.open_spaces()?;
    Ok(all.into_iter().map(|(number, _, space)| (number, space)).collect())
}

/// The commit that the background threads must reach: none when the indexes hold everything.
fn last_item_commit(stores: &Stores, text_at: Seq, spaces: &[(SpaceNumber, Arc<Space>)]) -> Result<Seq> {
    let read = stores.catalog.read()?;
    let applied = spaces.iter().map(|(_, space)| space.applied()).fold(text_at, Seq::min);
    let behind = read.view().oplog(applied)?.next().is_some();
    let empty_graph = spaces.iter().any(|(_, space)| space.applied() == Seq(0) && space.tail_len() > 0);
    Ok(if behind || empty_graph { read.counters().seq } else { applied })
}
