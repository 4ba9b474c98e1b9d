//! Opening: lock, format, catalog, model, indexes, and whatever the indexes lack.
//!
//! | file | what it does |
//! |---|---|
//! | `directory` | the directory itself: created when missing, refused when it is something else |
//! | `entries` | what lies in the directory: refused when it is a link, or not what the engine makes |
//! | `lock` | the one process that writes a directory |
//! | `beside` | opening a directory that another process writes, and taking the writing over |
//! | `spaces` | opening the vector spaces |
//! | `format` | the FORMAT file: the versions that can read the directory, and the store's id |

pub(crate) mod beside;
mod directory;
mod entries;
mod format;
mod lock;
mod spaces;

use std::path::Path;
use std::sync::Arc;

use crate::api::config::Config;
use crate::api::schema::Schema;
use crate::background::fit_space;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::time::Timestamp;
use crate::catalog::{Catalog, CatalogRead, SpaceNumber, remove_links};
use crate::model::{Files, Model};
use crate::registry;
use crate::store::active_model::ActiveModel;
use crate::store::field_notes::{FIELD_NOTES, FieldNotes};
use crate::store::follow_log;
use crate::store::item_space;
use crate::store::{self, SPACES, SpaceRow, Spaces, Stores};
use crate::text::TextStore;
use crate::vector::{Space, VectorStore};

pub(crate) use lock::{DirectoryLock, Taken};

/// The folder of TensorRT's engines, where the configuration names none. A copy below `scratch` uses that of its store.
const ENGINES: &str = "engines";

/// The fields that are not embedded, and the last commit before that was so.
const EMBEDDING: &str = "embedding";

/// What `open` hands to the engine.
pub(crate) struct Opened {
    pub stores: Stores,
    pub lock: DirectoryLock,
    /// The commit that the text index holds on disk.
    pub text_durable: Seq,
}

/// Opens or creates the directory. When this returns, every acknowledged write can be read.
pub(crate) fn open(path: &Path, mut config: Config) -> Result<Opened> {
    prepare(path, &mut config)?;
    let lock = DirectoryLock::take(path)?;
    open_locked(path, config, lock)
}

/// The settings, checked, and the directory, made where it is missing.
pub(crate) fn prepare(path: &Path, config: &mut Config) -> Result<()> {
    config.validate()?;
    config.engine_cache.get_or_insert_with(|| path.join(ENGINES));
    directory::prepare(path, config.force_network_fs)
}

/// [`open`] with the lock that the caller has taken.
pub(crate) fn open_locked(path: &Path, mut config: Config, lock: DirectoryLock) -> Result<Opened> {
    let format = format::read(path)?;
    if format.is_none() {
        entries::check_lost_format(path)?;
        entries::remove_unfinished_data(path)?;
    }
    // The model first: nothing is created on a machine that cannot run it. In an existing store the active model is recorded.
    let ready =
        if format.is_none() { Some(Model::shared(&config, &Files::read(config.model.as_deref())?)?) } else { None };
    let catalog = Catalog::open(path, config.max_bytes)?;
    remove_links(path)?;
    let store_id = format::agree_on_id(path, format, &catalog)?;
    // Now the catalog is known to be the store's: folders that it does not name may be removed.
    let active = registry::open(path, &config, catalog.read()?.view(), ready)?;
    keep_options(&catalog, &mut config)?;
    let (schema, spaces) = read_schema(&catalog, &config, &active)?;
    let embedded_since = embedded_since(&catalog, &config)?;
    let (text, text_at) = open_text(path, &store_id, &catalog)?;
    let vectors = VectorStore::open(&path.join("vector"), &path.join("quarantine"), threads(config.index_threads))?;
    let path = path.to_owned();
    let opened =
        store::Opened { path, store_id, config, catalog, text, vectors, active, schema, spaces, embedded_since };
    let stores = Stores::new(opened);
    let text_durable = match text_at {
        Some(at) => at,
        None => follow_log::rebuild_text(&stores)?,
    };
    let read = stores.catalog.read()?;
    spaces::open(&stores, &read)?;
    drop(read);
    // Only where the configuration asks for it: otherwise such a model was refused.
    if stores.item_space()?.base != stores.model().space_id() {
        fit_space::move_to(&stores, stores.active(), &|_| Ok(()))?;
    }
    let read = stores.catalog.read()?;
    cover(&stores, &read, Some(text_durable))?;
    drop(read);
    Ok(Opened { stores, lock, text_durable })
}

/// The configured number of threads; 0 is one for each core, at most 8.
fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(8),
        n => n,
    }
}

/// Schema and vector spaces as stored, with what the configuration and the model add.
fn read_schema(catalog: &Catalog, config: &Config, active: &ActiveModel) -> Result<(Schema, Spaces)> {
    let model = &active.model;
    let read = catalog.read()?;
    let mut schema: Schema = read.view().meta("schema")?.unwrap_or_default();
    let mut spaces: Spaces = read.view().meta(SPACES)?.unwrap_or_default();
    let before = (schema.clone(), spaces.clone());
    schema.apply(config)?;
    match spaces.items() {
        Some(row) if row.id != model.space_id() && read.counters().items > 0 => {
            // With it they are moved when everything is open.
            if !config.re_embed {
                return Err(refused(config, active, row));
            }
        }
        _ => spaces.set_items(model),
    }
    let empty = read.counters().items == 0;
    drop(read);
    let mut write = catalog.write()?;
    let base = spaces.items().map_or(model.space_id(), |row| &row.id);
    item_space::settle(&mut write, base, empty)?;
    if (&schema, &spaces) != (&before.0, &before.1) {
        write.set_meta("schema", &schema)?;
        write.set_meta(SPACES, &spaces)?;
    }
    write.commit_bookkeeping()?;
    Ok((schema, spaces))
}

/// Takes the options of fields that the store keeps into the configuration, and keeps those that it gives.
fn keep_options(catalog: &Catalog, config: &mut Config) -> Result<()> {
    let known: FieldNotes = catalog.read()?.view().meta(FIELD_NOTES)?.unwrap_or_default();
    let mut notes = known.clone();
    notes.agree(config, Timestamp::now());
    if notes != known {
        let mut write = catalog.write()?;
        write.set_meta(FIELD_NOTES, &notes)?;
        write.commit_bookkeeping()?;
    }
    Ok(())
}

/// The commit after which every version was embedded from the fields that the configuration names.
fn embedded_since(catalog: &Catalog, config: &Config) -> Result<Seq> {
    let read = catalog.read()?;
    if let Some(since) = known_embedded_since(&read, config)? {
        return Ok(since);
    }
    let since = if read.counters().items == 0 { Seq(0) } else { read.counters().seq };
    drop(read);
    let mut write = catalog.write()?;
    write.set_meta(EMBEDDING, &(not_embedded(config), since))?;
    write.commit_bookkeeping()?;
    Ok(since)
}

/// The same as the store has it; `None` when it was written for another configuration.
fn known_embedded_since(read: &CatalogRead, config: &Config) -> Result<Option<Seq>> {
    let known: Option<(Vec<String>, Seq)> = read.view().meta(EMBEDDING)?;
    let same = |(fields, _): &(Vec<String>, Seq)| fields.iter().eq(not_embedded(config));
    Ok(known.filter(same).map(|(_, since)| since))
}

/// Fields of text that are not embedded.
fn not_embedded(config: &Config) -> Vec<&String> {
    config.fields.keys().filter(|name| !config.embeds(name)).collect()
}

fn refused(config: &Config, active: &ActiveModel, row: &SpaceRow) -> Error {
    Error::ModelRefused {
        path: active.folder.clone().or(config.model.clone()).unwrap_or_else(|| "(the model that ships)".into()),
        expected: format!(
            "vector space {}, which the stored vectors belong to (`Config::re_embed` moves every item into another one)",
            row.id
        ),
        found: format!("vector space {}", active.model.space_id()),
    }
}

/// The text index, and the commit it holds; `None` when it must be rebuilt.
fn open_text(path: &Path, store_id: &str, catalog: &Catalog) -> Result<(TextStore, Option<Seq>)> {
    let (text, stamp) = TextStore::open(&path.join("text"), &path.join("quarantine"), store_id)?;
    let read = catalog.read()?;
    match stamp {
        Some(stamp) if follow_log::text_is_usable(&read, &stamp)? => Ok((text, Some(stamp.seq))),
        _ => Ok((text, None)),
    }
}

/// Shows readers what the indexes lack, and tells the background threads how far to go. `text_at`: what the text index holds.
fn cover(stores: &Stores, read: &CatalogRead, text_at: Option<Seq>) -> Result<()> {
    let spaces: Vec<_> = stores.open_spaces()?.into_iter().map(|(number, _, space)| (number, space)).collect();
    follow_log::cover_tail(stores, read, text_at, &spaces)?;
    follow_log::cover_journal(stores, read)?;
    stores.progress.commit(last_item_commit(read, text_at.unwrap_or_default(), &spaces)?);
    Ok(())
}

/// The commit that the background threads must reach: none when the indexes hold everything.
fn last_item_commit(read: &CatalogRead, text_at: Seq, spaces: &[(SpaceNumber, Arc<Space>)]) -> Result<Seq> {
    let applied = spaces.iter().map(|(_, space)| space.applied()).fold(text_at, Seq::min);
    let behind = read.view().oplog(applied)?.next().is_some();
    let empty_graph = spaces.iter().any(|(_, space)| space.applied() == Seq(0) && space.tail_len() > 0);
    Ok(if behind || empty_graph { read.counters().seq } else { applied })
}
