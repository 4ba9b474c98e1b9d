//! Opening a directory that another process writes, or nobody: everything is read, and nothing in the directory is changed.
//! And what such a process does when it takes the writing over.

use std::path::Path;
use std::sync::Arc;

use super::{cover, format, known_embedded_since, last_item_commit, lock, read_schema, refused, spaces, threads};
use crate::api::config::Config;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::time::Timestamp;
use crate::catalog::{Catalog, CatalogRead, remove_links};
use crate::registry;
use crate::store::active_model::ActiveModel;
use crate::store::field_notes::{FIELD_NOTES, FieldNotes};
use crate::store::follow_log;
use crate::store::item_space::{ItemSpaces, LIVE};
use crate::store::{self, Position, SPACES, Spaces, Stores};
use crate::text::TextStore;
use crate::vector::VectorStore;

/// The records that say which model, adapters and space of items are in use.
const WATCHED: [&str; 3] = [registry::WATCHED[0], registry::WATCHED[1], LIVE];

/// A directory opened beside the process that writes it.
pub(crate) struct Beside {
    pub stores: Stores,
    /// The commit that overlays and indexes cover.
    pub position: Position,
}

/// Opens a directory that is prepared. IMPORTANT: unless it is `read_only`, another process has opened it to write.
pub(crate) fn open_beside(path: &Path, mut config: Config, read_only: bool) -> Result<Beside> {
    let nothing = || Error::NotADatabase { path: path.to_owned(), found: "no store yet".to_owned() };
    let format = format::read(path)?.ok_or_else(nothing)?;
    if let Some(pid) = lock::held_by(path).filter(|_| read_only && !Catalog::can_be_locked(path)) {
        // Readers that the process cannot see would read pages while it rewrites them.
        return Err(Error::AlreadyOpen { path: path.to_owned(), pid });
    }
    let catalog = match read_only {
        true => Catalog::open_read_only(path, config.max_bytes)?,
        false => Catalog::open_beside(path, config.max_bytes)?,
    };
    let store_id = format::same_id(path, &format, &catalog)?;
    // Before the transaction, so that its commit is not behind that of the index.
    let (text, stamp) = TextStore::open_beside(&path.join("text"), &store_id)?;
    let read = catalog.read()?;
    let active = registry::open_named(path, &config, read.view(), None)?;
    let mut notes: FieldNotes = read.view().meta(FIELD_NOTES)?.unwrap_or_default();
    notes.agree(&mut config, Timestamp::now());
    // Without it nothing is taken for embedded as the configuration has it.
    let embedded_since = known_embedded_since(&read, &config)?.unwrap_or(Seq(u64::MAX));
    let (schema, spaces) = schema_of(&read, &config, &active)?;
    let usable = stamp.map(|stamp| Ok::<_, Error>(follow_log::text_is_usable(&read, &stamp)?.then_some(stamp.seq)));
    let text_at = usable.transpose()?.flatten();
    let text = if text_at.is_some() { text } else { TextStore::nothing(&path.join("text"))? };
    let vectors = VectorStore::beside(&path.join("vector"), threads(config.index_threads));
    let path = path.to_owned();
    let opened =
        store::Opened { path, store_id, config, catalog, text, vectors, active, schema, spaces, embedded_since };
    let stores = Stores::new(opened);
    spaces::open(&stores, &read)?;
    cover(&stores, &read, text_at)?;
    Ok(Beside { stores, position: Position::of(&read, &WATCHED)? })
}

/// Schema and vector spaces as stored, with what the configuration says of fields.
fn schema_of(read: &CatalogRead, config: &Config, active: &ActiveModel) -> Result<(Schema, Spaces)> {
    let mut schema: Schema = read.view().meta("schema")?.unwrap_or_default();
    schema.apply(config)?;
    let mut spaces: Spaces = read.view().meta(SPACES)?.unwrap_or_default();
    match spaces.items() {
        Some(row) if row.id == active.model.space_id() => {}
        Some(row) if read.counters().items > 0 => return Err(refused(config, active, row)),
        _ => spaces.set_items(&active.model),
    }
    Ok((schema, spaces))
}

/// Opens what a commit names and this process does not have yet: another model, other adapters, another space of items, and
/// graphs that the op log does not lead on from. Requests under way keep what they have.
pub(crate) fn reopen(stores: &Stores, read: &CatalogRead) -> Result<()> {
    let _one_at_a_time = stores.change();
    let active = registry::open_named(&stores.path, &stores.config, read.view(), Some(&stores.active()))?;
    let before = stores.item_spaces()?;
    let leads_on = |at: Seq| follow_log::oplog_covers(read, at);
    let rows = stores.spaces.load();
    for (number, row) in rows.rows().filter(|(_, row)| !row.is_items()) {
        let open = stores.vectors.space(&row.name);
        if !open.map(|space| leads_on(space.applied())).transpose()?.unwrap_or(false) {
            follow_log::cover_space(stores, read, number, &*spaces::open_one(stores, read, &row.spec())?)?;
        }
    }
    if before.at(read.view())?.is_none() || !leads_on(before.current.graph.applied())? {
        let items = Arc::new(spaces::open_items(stores, read, &active.model)?);
        follow_log::cover_space(stores, read, items.number, &items.graph)?;
        let all = vec![before.current.clone(), items.clone()];
        stores.item_spaces.store(Some(Arc::new(ItemSpaces { current: items, all })));
    }
    stores.set_active(Arc::new(active));
    stores.progress.commit(read.counters().seq);
    Ok(())
}

/// Makes this process the one that writes. Returns the commit that the text index holds on disk. IMPORTANT: the caller holds the
/// lock of the directory, and lets nobody write before this returns.
pub(crate) fn lead(stores: &Stores) -> Result<Seq> {
    // What the process before committed last.
    drop(stores.read()?);
    stores.catalog.lead()?;
    stores.follower.store(None);
    remove_links(&stores.path)?;
    stores.vectors.lead()?;
    let read = stores.catalog.read()?;
    registry::clear(&stores.path, read.view())?;
    let (schema, spaces) = read_schema(&stores.catalog, &stores.config, &stores.active())?;
    stores.schema.store(Arc::new(schema));
    stores.spaces.store(Arc::new(spaces));
    let at = stores.text.lead(&stores.path.join("quarantine"), &stores.store_id)?;
    let covered = at.map(|at| Ok::<_, Error>(follow_log::oplog_covers(&read, at)?.then_some(at)));
    let text_at = match covered.transpose()?.flatten() {
        Some(at) => at,
        None => follow_log::rebuild_text(stores)?,
    };
    let spaces: Vec<_> = stores.open_spaces()?.into_iter().map(|(number, _, space)| (number, space)).collect();
    stores.progress.commit(last_item_commit(&read, text_at, &spaces)?);
    Ok(text_at)
}
