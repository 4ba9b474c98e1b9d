//! The stores of an open directory, side by side.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::active_model::ActiveModel;
use super::impression_queue::ImpressionQueue;
use super::item_space::{ItemSpace, ItemSpaces};
use super::lock::{lock, lock_watched};
use super::notices::Notices;
use super::position::Follower;
use super::progress::Progress;
use super::recent::Recent;
use super::spaces::{ITEM_SPACE, SpaceRow, Spaces};
use super::unapplied_events::EventTail;
use super::weights::ActiveWeights;
use crate::api::config::Config;
use crate::api::field_change::FieldChange;
use crate::api::notice::Level;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::watch;
use crate::catalog::{Catalog, SpaceNumber};
use crate::model::Model;
use crate::text::TextStore;
use crate::vector::{Space, VectorStore};

/// How often it is looked again when the space of items changes at the same moment.
const ATTEMPTS: usize = 1000;

/// Bytes of free space below which a write that failed has failed for that reason.
const LEAST_ROOM: u64 = 1 << 20;

/// Everything that an open directory consists of. Shared by requests, the writer and the background threads.
pub(crate) struct Stores {
    pub path: PathBuf,
    pub store_id: String,
    pub config: Config,
    pub catalog: Catalog,
    pub text: TextStore,
    pub vectors: VectorStore,
    /// What answers requests; changed through [`Stores::set_live`].
    active: ArcSwap<ActiveModel>,
    /// What answers once a commit that is under way moves the items into its space.
    next_active: ArcSwapOption<ActiveModel>,
    /// Held while the active model changes, or the models and adapters that are kept.
    changing: Mutex<()>,
    /// A reader may see fields of a commit that is a moment ahead of its transaction.
    pub schema: ArcSwap<Schema>,
    pub spaces: ArcSwap<Spaces>,
    /// The change of a field that is going on: items that are put follow it.
    pub field_change: ArcSwapOption<FieldChange>,
    /// Versions up to this commit may have been embedded from other fields than the configuration names.
    pub embedded_since: Seq,
    pub recent: Recent,
    pub events: EventTail,
    /// Impressions on their way to the writer.
    pub impressions: ImpressionQueue,
    pub progress: Progress,
    /// Why writes are refused since a durable write failed.
    pub poisoned: ArcSwapOption<String>,
    /// Who hears what happens.
    pub notices: Arc<Notices>,
    /// The last failure of background work.
    pub background_error: ArcSwapOption<String>,
    /// The last failure of a tuning in the background.
    pub tuning_error: ArcSwapOption<String>,
    /// Held while events are removed: two at a time would each undo what the other counted.
    pub forgetting: Mutex<()>,
    /// Copies that replays of this store work with: they end with it.
    pub copies: Mutex<Vec<Weak<Stores>>>,
    /// The spaces of items; none while the store opens.
    pub item_spaces: ArcSwapOption<ItemSpaces>,
    /// Held while a space is fitted: one at a time.
    pub fitting: Mutex<()>,
    /// The op log is not cut behind this commit while a space is fitted.
    pub oplog_hold: AtomicU64,
    /// Nor behind this one, up to which every process that follows has come.
    pub followers_at: AtomicU64,
    /// How far this process follows another one; none in the process that writes.
    pub follower: ArcSwapOption<Follower>,
}

/// What an open store begins with.
pub(crate) struct Opened {
    pub path: PathBuf,
    pub store_id: String,
    pub config: Config,
    pub catalog: Catalog,
    pub text: TextStore,
    pub vectors: VectorStore,
    pub active: ActiveModel,
    pub schema: Schema,
    pub spaces: Spaces,
    pub embedded_since: Seq,
}

impl Stores {
    /// The stores of a directory, with nothing in their overlays.
    pub(crate) fn new(opened: Opened) -> Stores {
        let Opened { path, store_id, config, catalog, text, vectors, active, schema, spaces, embedded_since } = opened;
        Stores {
            path,
            store_id,
            config,
            catalog,
            text,
            vectors,
            active: ArcSwap::from_pointee(active),
            next_active: ArcSwapOption::empty(),
            changing: Mutex::default(),
            schema: ArcSwap::from_pointee(schema),
            spaces: ArcSwap::from_pointee(spaces),
            field_change: ArcSwapOption::empty(),
            embedded_since,
            recent: Recent::default(),
            impressions: ImpressionQueue::default(),
            events: EventTail::default(),
            progress: Progress::default(),
            poisoned: ArcSwapOption::empty(),
            notices: Arc::default(),
            background_error: ArcSwapOption::empty(),
            tuning_error: ArcSwapOption::empty(),
            forgetting: Mutex::default(),
            copies: Mutex::default(),
            item_spaces: ArcSwapOption::empty(),
            fitting: Mutex::default(),
            oplog_hold: AtomicU64::new(u64::MAX),
            followers_at: AtomicU64::new(u64::MAX),
            follower: ArcSwapOption::empty(),
        }
    }

    /// What answers requests now.
    pub(crate) fn active(&self) -> Arc<ActiveModel> {
        self.active.load_full()
    }

    /// The model that answers now.
    pub(crate) fn model(&self) -> Arc<Model> {
        self.active().model.clone()
    }

    /// The weights in force now.
    pub(crate) fn weights(&self) -> Arc<ActiveWeights> {
        self.active().weights.clone()
    }

    /// Lets one at a time change what is active. Never asked for by a holder of the catalog's write transaction.
    ///
    /// # Errors
    /// Those of [`watch::check`] while another call changes it.
    pub(crate) fn change(&self) -> Result<MutexGuard<'_, ()>> {
        lock_watched(&self.changing)
    }

    /// Changes what is active. The caller holds [`Stores::change`].
    pub(crate) fn set_active(&self, active: Arc<ActiveModel>) {
        self.active.store(active);
        self.next_active.store(None);
    }

    /// Makes known what will be active. IMPORTANT: before the commit after which items are in another model's space: a request
    /// that pins that commit before [`Stores::set_live`] needs it.
    pub(crate) fn announce_active(&self, active: Arc<ActiveModel>) {
        self.next_active.store(Some(active));
    }

    /// What answers in a space: what is active, or what the commit that made the space active is about to make so. `None` for a
    /// space that a commit has left meanwhile.
    pub(crate) fn active_in(&self, space: &ItemSpace) -> Option<Arc<ActiveModel>> {
        let works = |active: &Arc<ActiveModel>| active.model.space_id() == space.base;
        let next = || self.next_active.load_full().filter(works);
        // Looked at again: what was next may have become active in between.
        Some(self.active()).filter(works).or_else(next).or_else(|| Some(self.active()).filter(works))
    }

    /// The current space of items, and the model that places items in it.
    pub(crate) fn placing(&self) -> Result<(Arc<ItemSpace>, Arc<Model>)> {
        for _ in 0..ATTEMPTS {
            let space = self.item_space()?;
            if let Some(active) = self.active_in(&space) {
                return Ok((space, active.model.clone()));
            }
            std::thread::yield_now();
        }
        Err(Error::internal("no model works in the current space"))
    }

    /// Puts other weights in force. The caller holds [`Stores::change`], or owns the store.
    pub(crate) fn set_weights(&self, weights: Arc<ActiveWeights>) {
        self.active.store(Arc::new(ActiveModel { weights, ..ActiveModel::clone(&self.active()) }));
    }

    /// Tells the background threads to end, of this store and of its copies: a replay is given up at its next step.
    pub(crate) fn end(&self) {
        self.progress.close();
        lock(&self.copies).iter().filter_map(Weak::upgrade).for_each(|copy| copy.end());
    }

    /// Lets a copy end with this store.
    ///
    /// # Errors
    /// [`Error::Closed`] when the store is closing already.
    pub(crate) fn adopt(&self, copy: &Arc<Stores>) -> Result<()> {
        let mut copies = lock(&self.copies);
        copies.retain(|copy| copy.strong_count() > 0);
        copies.push(Arc::downgrade(copy));
        drop(copies);
        self.check_open()
    }

    /// What long work asks between its steps.
    ///
    /// # Errors
    /// [`Error::Closed`] when the store is closing; those of [`watch::check`] when the call is to stop.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.progress.is_closing() { Err(Error::Closed) } else { watch::check() }
    }

    /// The current space of items.
    pub(crate) fn item_space(&self) -> Result<Arc<ItemSpace>> {
        Ok(self.item_spaces()?.current.clone())
    }

    pub(crate) fn item_spaces(&self) -> Result<Arc<ItemSpaces>> {
        self.item_spaces.load_full().ok_or_else(|| Error::internal("the item space is not open"))
    }

    /// The vector spaces that are open, with the numbers of their vectors in the catalog and their graphs.
    pub(crate) fn open_spaces(&self) -> Result<Vec<(SpaceNumber, SpaceRow, Arc<Space>)>> {
        let (rows, items) = (self.spaces.load(), self.item_space()?);
        let open = rows.rows().filter_map(|(number, row)| match row.name == ITEM_SPACE {
            true => Some((items.number, row.clone(), items.graph.clone())),
            false => Some((number, row.clone(), self.vectors.space(&row.name)?)),
        });
        Ok(open.collect())
    }

    /// Keeps a failure of background work for `stats`, and tells it.
    pub(crate) fn note_failure(&self, error: Error) {
        let text = self.name_full_disk(error).to_string();
        // Once, however often the step is tried again.
        if self.background_error.load_full().is_none_or(|before| *before != text) {
            self.notices.log(Level::Warn, &text);
        }
        self.background_error.store(Some(Arc::new(text)));
    }

    /// An error of writing, named as a full disk when that is the reason: LMDB calls a file that could not grow an error of
    /// input and output, and the libraries of the indexes have only words for theirs.
    pub(crate) fn name_full_disk(&self, error: Error) -> Error {
        let written = match error {
            Error::DiskFull { .. } | Error::Storage { .. } => "data.mdb",
            Error::Index { index, .. } => index,
            other => return other,
        };
        let free = rustix::fs::statvfs(&self.path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        match error {
            Error::DiskFull { action, .. } => Error::DiskFull { action, path: self.path.join(written) },
            _ if free < LEAST_ROOM => Error::DiskFull { action: "write", path: self.path.join(written) },
            other => other,
        }
    }

    /// Closes the catalog, so that the path can be opened again at once. No one else may hold the stores any more.
    pub(crate) fn close(self) {
        self.catalog.close();
    }
}
