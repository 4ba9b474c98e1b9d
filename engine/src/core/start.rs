//! Which part a process takes: it writes when nobody does, and follows else; and it takes the writing over.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::{Access, Core, Facade, PATIENCE, Part, State, Threads, handles};
use crate::api::config::{Config, Mode};
use crate::api::exploration::Impressions;
use crate::background::Maintenance;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::ingest::Writer;
use crate::open::beside::{self, Beside};
use crate::open::{self, DirectoryLock, Taken};
use crate::share::{FollowThread, Gone, Handler, Hello, Link, Server, Watch};
use crate::store::{Follower, Stores, lock};

/// How often it is looked again meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// How often another process may be found to hold a lock that this one lost, once a second.
const REFUSALS: u32 = 10;

impl Core {
    /// Opens a directory that no other process opens, creating it when it is missing, and starts its threads.
    ///
    /// # Errors
    /// Those of [`crate::Engine::open`].
    pub(crate) fn open(path: &Path, config: Config) -> Result<Core> {
        let core = Core::new(path, config, None, Weak::new());
        let opened = open::open(path, core.config.clone())?;
        let state = core.state.load_full();
        core.write(&state, core.heard(opened.stores), opened.lock, opened.text_durable)?;
        Ok(core)
    }

    /// Opens a directory that other processes may have open, creating it when it is missing. A directory that this process has
    /// open already is shared.
    ///
    /// # Errors
    /// Those of [`crate::Engine::open`].
    pub(crate) fn open_shared(path: &Path, config: Config, facade: Arc<dyn Facade>) -> Result<Arc<Core>> {
        // A forked child finds the directory even when the working directory is another one.
        let path = std::path::absolute(path).map_err(|e| Error::io("find", path, e))?;
        if let Some(open) = handles::find(&path, &config)? {
            return Ok(open);
        }
        let core = Arc::new_cyclic(|me| Core::new(&path, config, Some(facade), me.clone()));
        core.start(&core.state.load_full())?;
        Ok(core)
    }

    /// Takes the part that is free: writes when nobody does.
    pub(super) fn start(&self, state: &Arc<State>) -> Result<()> {
        self.take_part(state)?;
        handles::note(&self.me, &self.path);
        Ok(())
    }

    fn take_part(&self, state: &Arc<State>) -> Result<()> {
        let mut config = self.config.clone();
        if config.mode == Mode::Read {
            config.impressions = Impressions::off();
            config.validate()?;
            return self.follow(state, beside::open_beside(&self.path, config, true)?, Part::Reads);
        }
        open::prepare(&self.path, &mut config)?;
        // Its store is not read yet: the other side does not compare.
        let link = Link::new(&self.path, Hello::of(""));
        let until = Instant::now() + PATIENCE;
        loop {
            let taken = DirectoryLock::try_take(&self.path)?;
            // Also when the lock was free: somebody may have removed the file that a process holds.
            let listens = link.connect();
            match (taken, listens) {
                (Taken::Ours(lock), Ok(None)) => {
                    let opened = open::open_locked(&self.path, config, lock)?;
                    return self.write(state, self.heard(opened.stores), opened.lock, opened.text_durable);
                }
                (taken, Ok(Some(_))) if link.writer() != std::process::id() => {
                    // The one that listens locks it again.
                    drop(taken);
                    let opened = beside::open_beside(&self.path, config, false)?;
                    return self.follow(state, opened, Part::Follows(Arc::new(link)));
                }
                // Another version of the library, or a process that does not trust this one.
                (_, Err(e)) if e.kind() == std::io::ErrorKind::InvalidData => {
                    return Err(Error::AlreadyOpen { path: self.path.clone(), pid: link.writer() });
                }
                // It is being opened or closed there, or by a handle of this process.
                (Taken::By(pid), _) if pid == std::process::id() || Instant::now() >= until => {
                    return Err(Error::AlreadyOpen { path: self.path.clone(), pid });
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// Starts the threads of a process that writes.
    pub(super) fn write(
        &self,
        state: &State,
        stores: Arc<Stores>,
        held: DirectoryLock,
        text_durable: Seq,
    ) -> Result<()> {
        let held = Arc::new(Mutex::new(held));
        let (writer, writer_thread) = Writer::start(stores.clone())?;
        let maintenance = Maintenance::start(stores.clone(), text_durable)?;
        let access = Arc::new(Access { stores: stores.clone(), part: Part::Writes(writer) });
        state.access.store(Some(access.clone()));
        let server = self.facade.as_ref().map(|_| {
            let hello = Hello::of(&stores.store_id);
            Server::start(&self.path, hello, self.handler(), watch(&stores, &held))
        });
        let threads = Threads::Writing { maintenance, writer: writer_thread, lock: held, server: server.transpose()? };
        lock(&state.threads).push(threads);
        if let Some(facade) = &self.facade {
            facade.leads(&access);
        }
        Ok(())
    }

    /// Starts the thread of a process that follows, or only reads.
    fn follow(&self, state: &Arc<State>, opened: Beside, part: Part) -> Result<()> {
        let stores = self.heard(opened.stores);
        let of = Arc::downgrade(&stores);
        let reopen = move |read: &_| match of.upgrade() {
            Some(stores) => beside::reopen(&stores, read),
            None => Err(Error::Closed),
        };
        stores.follower.store(Some(Arc::new(Follower::at(opened.position, Box::new(reopen)))));
        // One that only reads says how far it is, too.
        let (link, gone): (_, Gone) = match &part {
            Part::Follows(link) => (link.clone(), self.gone(state)),
            _ => (Arc::new(Link::new(&self.path, Hello::of(&stores.store_id))), Box::new(|| false)),
        };
        state.access.store(Some(Arc::new(Access { stores: stores.clone(), part })));
        let thread = FollowThread::start(stores, link, gone)?;
        lock(&state.threads).push(Threads::Following(thread));
        Ok(())
    }

    /// What the thread that follows calls when nobody writes.
    fn gone(&self, state: &Arc<State>) -> Gone {
        let (me, state) = (self.me.clone(), Arc::downgrade(state));
        Box::new(move || match (me.upgrade(), state.upgrade()) {
            (Some(core), Some(state)) => core.take_over(&state).unwrap_or(false),
            _ => true,
        })
    }

    fn handler(&self) -> Handler {
        let me = self.me.clone();
        Arc::new(move |name, arguments| {
            let core = me.upgrade().ok_or(Error::Closed)?;
            let facade = core.facade.clone().ok_or(Error::Closed)?;
            facade.order(&core, name, arguments)
        })
    }

    /// Takes the writing over when nobody has it. True when this process does not follow any more.
    pub(super) fn take_over(&self, state: &Arc<State>) -> Result<bool> {
        let _one_at_a_time = lock(&state.changing);
        let Some(access) = state.access.load_full().filter(|_| !state.closing.load(Ordering::SeqCst)) else {
            return Ok(true);
        };
        let Part::Follows(link) = &access.part else { return Ok(true) };
        let Taken::Ours(held) = DirectoryLock::try_take(&self.path)? else { return Ok(false) };
        if !matches!(link.connect(), Ok(None)) {
            return Ok(false);
        }
        let text_durable = beside::lead(&access.stores)?;
        self.write(state, access.stores.clone(), held, text_durable)?;
        Ok(true)
    }
}

/// What the process that writes looks at once a second: that its lock is in place, which readers are gone, how far others are.
fn watch(stores: &Arc<Stores>, held: &Arc<Mutex<DirectoryLock>>) -> Watch {
    let (stores, held) = (Arc::downgrade(stores), Arc::downgrade(held));
    let refused = AtomicU32::new(0);
    Box::new(move |oldest| {
        let (Some(stores), Some(held)) = (stores.upgrade(), held.upgrade()) else { return };
        stores.followers_at.store(oldest.map_or(u64::MAX, |seq| seq.0), Ordering::SeqCst);
        if let Err(error) = stores.catalog.clear_stale_readers() {
            stores.background_error.store(Some(Arc::new(error.to_string())));
        }
        match keep_lock(&stores.path, &mut lock(&held)) {
            true => refused.store(0, Ordering::SeqCst),
            // Another process may hold it for a moment, until it finds that this one listens.
            false if refused.fetch_add(1, Ordering::SeqCst) < REFUSALS => {}
            false => {
                let reason =
                    "the file LOCK was removed while the store was open, and another process has locked a new one";
                stores.poisoned.store(Some(Arc::new(reason.to_owned())));
            }
        }
    })
}

/// Locks the file again when somebody has removed it. False when another process has it.
fn keep_lock(dir: &Path, held: &mut DirectoryLock) -> bool {
    if held.is_in_place() {
        return true;
    }
    match DirectoryLock::try_take(dir) {
        Ok(Taken::Ours(again)) => *held = again,
        // What the system refuses now it may grant later; nobody else has it.
        Err(_) => {}
        Ok(Taken::By(_)) => return false,
    }
    true
}
