//! An open directory at work: its stores, and the threads that its part asks for. One process writes, the others follow it, and
//! any of them takes the writing over when it is gone.
//!
//! The facade opens one for an application; `offline` opens one for each scratch copy.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::config::{Config, Mode};
use crate::api::exploration::Impressions;
use crate::api::stats::ProcessStats;
use crate::background::{Maintenance, clock, cooccurrence};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::ingest::{Writer, WriterThread};
use crate::open::{self, Beside, DirectoryLock, Taken};
use crate::share::{
    FollowThread, Gone, Handler, Hello, Link, Outcome, Server, Watch, decode, encode, hand_on_impressions,
};
use crate::store::{Follower, Notices, Stores, lock};

/// How long opening, and an order, wait for a process that writes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked again meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// How often another process may be found to hold a lock that this one lost, once a second.
const REFUSALS: u32 = 3;
/// How long a forked process waits for another of its threads that opens the directory.
const REOPENING: Duration = Duration::from_secs(60);

/// An open directory, until it is closed.
pub(crate) struct Core {
    path: PathBuf,
    config: Config,
    /// What answers the orders of other processes; none in a scratch copy, which no other process opens.
    facade: Option<Arc<dyn Facade>>,
    me: Weak<Core>,
    state: ArcSwap<State>,
    /// Held by a forked process while it opens the directory for itself.
    reopening: Mutex<()>,
    /// Who listens, also when a forked process opens the directory again.
    notices: Arc<Notices>,
}

/// What the facade does for other processes.
pub(crate) trait Facade: Send + Sync {
    /// Does what an order asks for; arguments and answer as bytes.
    fn order(&self, core: &Arc<Core>, name: &str, arguments: &[u8]) -> Result<Vec<u8>>;

    /// This process writes now.
    fn leads(&self, access: &Arc<Access>);
}

/// Something that changes the store: the process that writes does it, whoever asks.
pub(crate) trait Order: Serialize + DeserializeOwned {
    /// Its name on the way to another process.
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned;

    /// Does it, in the process that writes.
    fn execute(self, core: &Core, access: &Access) -> Result<Self::Answer>;

    /// Whether doing it twice is the same as once.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// It is about to leave this process.
    fn leaves(&mut self) {}

    /// It may have been done already.
    fn again(&mut self) {}
}

/// Asks that everything that was logged be applied.
#[derive(Serialize, serde::Deserialize)]
pub(crate) struct Drain;

impl Order for Drain {
    const NAME: &'static str = "drain";
    type Answer = ();

    fn execute(self, _: &Core, access: &Access) -> Result<()> {
        access.writer()?.drain()
    }
}

/// What this process opened. A forked child has one of its own.
struct State {
    opened_by: u32,
    access: ArcSwapOption<Access>,
    threads: Mutex<Vec<Threads>>,
    /// Held while the part of this process changes.
    changing: Mutex<()>,
    closing: AtomicBool,
}

impl State {
    fn new() -> State {
        State {
            opened_by: std::process::id(),
            access: ArcSwapOption::empty(),
            threads: Mutex::default(),
            changing: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }
}

/// What every call uses.
pub(crate) struct Access {
    pub stores: Arc<Stores>,
    part: Part,
}

/// What this process does for the directory.
enum Part {
    Writes(Writer),
    Follows(Arc<Link>),
    Reads,
}

/// What closing ends.
enum Threads {
    Writing { maintenance: Maintenance, writer: WriterThread, lock: Arc<Mutex<DirectoryLock>>, server: Option<Server> },
    Following(FollowThread),
}

/// What a call uses that changes the store in ways of its own.
pub(crate) struct Writing(Arc<Access>);

impl Writing {
    pub(crate) fn stores(&self) -> &Stores {
        &self.0.stores
    }
}

impl Access {
    /// Whether another process writes.
    pub(crate) fn follows(&self) -> bool {
        matches!(self.part, Part::Follows(_))
    }

    /// Jobs that wait for the thread that writes.
    pub(crate) fn queued(&self) -> usize {
        match &self.part {
            Part::Writes(writer) => writer.queued(),
            _ => 0,
        }
    }

    /// The way to the thread that writes.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] where nothing is written; [`Error::Closed`] in a process that follows: see [`Core::order`].
    pub(crate) fn writer(&self) -> Result<&Writer> {
        match &self.part {
            Part::Writes(writer) => Ok(writer),
            Part::Follows(_) => Err(Error::Closed),
            Part::Reads => Err(Error::ReadOnly { path: self.stores.path.clone() }),
        }
    }
}

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

    /// Opens a directory that other processes may have open, creating it when it is missing.
    ///
    /// # Errors
    /// Those of [`crate::Engine::open`].
    pub(crate) fn open_shared(path: &Path, config: Config, facade: Arc<dyn Facade>) -> Result<Arc<Core>> {
        // A forked child finds the directory even when the working directory is another one.
        let path = std::path::absolute(path).map_err(|e| Error::io("find", path, e))?;
        let core = Arc::new_cyclic(|me| Core::new(&path, config, Some(facade), me.clone()));
        core.start(&core.state.load_full())?;
        Ok(core)
    }

    fn new(path: &Path, config: Config, facade: Option<Arc<dyn Facade>>, me: Weak<Core>) -> Core {
        let (state, reopening) = (ArcSwap::from_pointee(State::new()), Mutex::default());
        Core { path: path.to_owned(), config, facade, me, state, reopening, notices: Arc::default() }
    }

    /// Takes the part that is free: writes when nobody does.
    fn start(&self, state: &Arc<State>) -> Result<()> {
        let mut config = self.config.clone();
        if config.mode == Mode::Read {
            config.impressions = Impressions::off();
            config.validate()?;
            return self.follow(state, open::open_beside(&self.path, config, true)?, None);
        }
        open::prepare(&self.path, &mut config)?;
        // Its store is not read yet: the other side does not compare.
        let link = Link::new(&self.path, Hello::of(""));
        let until = Instant::now() + PATIENCE;
        loop {
            let taken = DirectoryLock::try_take(&self.path)?;
            // Also when the lock was free: somebody may have removed the file that a process holds.
            let listens = link.connect().map_err(|e| Error::io("connect to the process that writes", &self.path, e))?;
            match (taken, listens) {
                (Taken::Ours(lock), None) => {
                    let opened = open::open_locked(&self.path, config, lock)?;
                    return self.write(state, self.heard(opened.stores), opened.lock, opened.text_durable);
                }
                (_, Some(_)) if link.writer() != std::process::id() => {
                    let beside = open::open_beside(&self.path, config, false)?;
                    return self.follow(state, beside, Some(Arc::new(link)));
                }
                // It is being opened or closed there, or by a handle of this process.
                (Taken::By(pid), _) if pid == std::process::id() || Instant::now() >= until => {
                    return Err(Error::AlreadyOpen { path: self.path.clone(), pid });
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// Who listens to calls, and to work in the background.
    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    fn heard(&self, mut stores: Stores) -> Arc<Stores> {
        stores.notices = self.notices.clone();
        Arc::new(stores)
    }

    /// Starts the threads of a process that writes.
    fn write(&self, state: &State, stores: Arc<Stores>, held: DirectoryLock, text_durable: Seq) -> Result<()> {
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
    fn follow(&self, state: &Arc<State>, beside: Beside, link: Option<Arc<Link>>) -> Result<()> {
        let stores = self.heard(beside.stores);
        let of = Arc::downgrade(&stores);
        let reopen = move |read: &_| match of.upgrade() {
            Some(stores) => open::reopen(&stores, read),
            None => Err(Error::Closed),
        };
        stores.follower.store(Some(Arc::new(Follower::at(beside.position, Box::new(reopen)))));
        let part = link.clone().map_or(Part::Reads, Part::Follows);
        state.access.store(Some(Arc::new(Access { stores: stores.clone(), part })));
        let thread = FollowThread::start(stores, link.map(|link| (link, self.gone(state))))?;
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
    fn take_over(&self, state: &Arc<State>) -> Result<bool> {
        let _one_at_a_time = lock(&state.changing);
        let Some(access) = state.access.load_full().filter(|_| !state.closing.load(Ordering::SeqCst)) else {
            return Ok(true);
        };
        let Part::Follows(link) = &access.part else { return Ok(true) };
        let Taken::Ours(held) = DirectoryLock::try_take(&self.path)? else { return Ok(false) };
        if !matches!(link.connect(), Ok(None)) {
            return Ok(false);
        }
        let text_durable = open::lead(&access.stores)?;
        self.write(state, access.stores.clone(), held, text_durable)?;
        Ok(true)
    }

    /// Has something done that changes the store: here when this process writes, else by the process that does. What is durable
    /// then is seen by the next call of any process.
    ///
    /// # Errors
    /// What doing it answers; [`Error::ReadOnly`]; [`Error::Unanswered`] when the other process hangs, or died over something
    /// that must not be done twice.
    pub(crate) fn order<O: Order>(&self, mut order: O) -> Result<O::Answer> {
        let start = Instant::now();
        loop {
            let access = self.access()?;
            let link = match &access.part {
                Part::Follows(link) => link.clone(),
                Part::Reads => return Err(Error::ReadOnly { path: self.path.clone() }),
                Part::Writes(_) => return order.execute(self, &access),
            };
            let unanswered = || Error::Unanswered {
                what: O::NAME.replace('_', " "),
                pid: link.writer(),
                seconds: start.elapsed().as_secs(),
            };
            // An impression is kept before every event that answers it.
            hand_on_impressions(&access.stores, &link);
            drop(access);
            order.leaves();
            match link.call(O::NAME, &encode(&order)?) {
                Outcome::Answer(answer) => return decode(&answer),
                Outcome::NotSent | Outcome::Refused(Error::Closed) => {}
                Outcome::Refused(error) => return Err(error),
                Outcome::Lost if order.is_repeatable() => order.again(),
                Outcome::Lost | Outcome::Silent => return Err(unanswered()),
            }
            if start.elapsed() >= PATIENCE {
                return Err(unanswered());
            }
            self.take_over(&self.state.load_full())?;
            std::thread::sleep(LOOK);
        }
    }

    /// The stores and the writer.
    ///
    /// # Errors
    /// [`Error::Closed`], or in the child of the process that opened it what opening answers.
    pub(crate) fn access(&self) -> Result<Arc<Access>> {
        let state = self.state.load();
        if state.opened_by == std::process::id() {
            return state.access.load_full().ok_or(Error::Closed);
        }
        drop(state);
        self.reopen()?;
        self.state.load().access.load_full().ok_or(Error::Closed)
    }

    /// Opens the directory again in a forked child. Nothing of the parent's is touched, and nothing is let go of: its threads are
    /// not here, and its files are the parent's.
    fn reopen(&self) -> Result<()> {
        let _one_at_a_time = self.wait_to_reopen()?;
        let inherited = self.state.load_full();
        if inherited.opened_by == std::process::id() {
            return Ok(());
        }
        if self.facade.is_none() {
            return Err(Error::Forked { opened_by: inherited.opened_by });
        }
        let state = Arc::new(State::new());
        if inherited.access.load().is_some() && !inherited.closing.load(Ordering::SeqCst) {
            self.start(&state)?;
        }
        self.state.store(state);
        std::mem::forget(inherited);
        Ok(())
    }

    /// Another thread of a process may have held the lock at the fork, and is not here to give it back.
    fn wait_to_reopen(&self) -> Result<MutexGuard<'_, ()>> {
        let until = Instant::now() + REOPENING;
        loop {
            match self.reopening.try_lock() {
                Ok(held) => return Ok(held),
                Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOOK),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Forked { opened_by: self.state.load().opened_by });
                }
            }
        }
    }

    /// [`Core::access`] in the process that writes.
    ///
    /// # Errors
    /// Those of [`Access::writer`].
    pub(crate) fn writing(&self) -> Result<Writing> {
        let access = self.access()?;
        access.writer()?;
        Ok(Writing(access))
    }

    /// [`Core::access`], after every event and impression that waits has been applied.
    pub(crate) fn drained(&self) -> Result<Arc<Access>> {
        if !matches!(self.access()?.part, Part::Reads) {
            self.order(Drain)?;
        }
        self.access()
    }

    /// The commit that the text index holds on disk; `None` while the engine closes.
    pub(crate) fn text_durable(&self) -> Option<Seq> {
        let state = self.state.load_full();
        let threads = lock(&state.threads);
        let of = |threads: &Threads| match threads {
            Threads::Writing { maintenance, .. } => Some(maintenance.text_durable()),
            Threads::Following(_) => None,
        };
        let followed = || state.access.load().as_ref().map(|access| access.stores.text.view().applied());
        threads.iter().find_map(of).or_else(followed)
    }

    /// What this process does beside others.
    pub(crate) fn process(&self, access: &Access) -> ProcessStats {
        let state = self.state.load_full();
        let of = |threads: &Threads| match threads {
            Threads::Writing { server, .. } => server.as_ref().map(Server::followers),
            Threads::Following(_) => None,
        };
        let followers = lock(&state.threads).iter().find_map(of).unwrap_or_default();
        let (role, writer) = match &access.part {
            Part::Writes(_) => ("writer", std::process::id()),
            Part::Follows(link) => ("follower", link.writer()),
            Part::Reads => ("reader", 0),
        };
        ProcessStats { role, writer, followers: followers as u64 }
    }

    /// Rebuilds the co-occurrence lists from the whole log.
    pub(crate) fn rebuild_cooccurrence(&self) -> Result<()> {
        let access = self.access()?;
        access.writer()?.drain()?;
        cooccurrence::rebuild(&access.stores)
    }

    /// Waits until the journal is applied, and both indexes hold everything that is committed and are on disk.
    pub(crate) fn flush(&self) -> Result<()> {
        let access = self.access()?;
        access.writer()?.drain()?;
        clock::repair(&access.stores)?;
        let state = self.state.load_full();
        let flusher = lock(&state.threads).iter().find_map(|threads| match threads {
            Threads::Writing { maintenance, .. } => Some(maintenance.flusher()),
            Threads::Following(_) => None,
        });
        flusher.ok_or(Error::Closed)?.flush()
    }

    /// Flushes, ends the threads and releases the directory. `join` waits for the caller's own threads: it runs once the
    /// stores tell everything that works on them to stop. Closing again does nothing.
    pub(crate) fn close(&self, join: impl FnOnce() -> Result<()>) -> Result<()> {
        let state = self.state.load_full();
        if state.opened_by != std::process::id() {
            return self.forget();
        }
        let writes = state.access.load().as_ref().is_some_and(|access| matches!(access.part, Part::Writes(_)));
        let flushed = if writes { self.flush() } else { Ok(()) };
        if let Some(access) = state.access.load_full()
            && let Part::Follows(link) = &access.part
        {
            hand_on_impressions(&access.stores, link);
        }
        let changing = lock(&state.changing);
        state.closing.store(true, Ordering::SeqCst);
        let access = state.access.swap(None);
        let threads = std::mem::take(&mut *lock(&state.threads));
        drop(changing);
        if let Some(access) = &access {
            access.stores.end();
        }
        end(threads, access, join)?;
        match flushed {
            // A closed engine and one that refuses writes have nothing more to flush.
            Err(Error::Closed) => Ok(()),
            other => other,
        }
    }

    /// In a forked child: closes what was never opened here, and touches nothing of the parent's.
    fn forget(&self) -> Result<()> {
        let _one_at_a_time = self.wait_to_reopen()?;
        let inherited = self.state.load_full();
        if inherited.opened_by != std::process::id() {
            self.state.store(Arc::new(State::new()));
            std::mem::forget(inherited);
        }
        Ok(())
    }
}

impl Drop for Core {
    /// Closes, as [`Core::close`] does. In a forked child nothing is touched: the parent's handle owns the files.
    fn drop(&mut self) {
        let _ = self.close(|| Ok(()));
    }
}

/// Ends the threads in order: no more orders, background work, calls that are running, the writer.
fn end(threads: Vec<Threads>, access: Option<Arc<Access>>, join: impl FnOnce() -> Result<()>) -> Result<()> {
    let (mut writers, mut servers, mut locks) = (Vec::new(), Vec::new(), Vec::new());
    for part in threads {
        match part {
            Threads::Following(thread) => thread.join()?,
            Threads::Writing { maintenance, writer, lock, server } => {
                server.iter().for_each(Server::finish);
                maintenance.stop()?;
                writers.push(writer);
                servers.extend(server);
                locks.push(lock);
            }
        }
    }
    join()?;
    let stores = release(access)?;
    writers.into_iter().try_for_each(WriterThread::join)?;
    servers.into_iter().try_for_each(Server::join)?;
    close_stores(stores);
    drop(locks);
    Ok(())
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

/// Waits for the calls that are still running, and ends the writer's queue.
fn release(access: Option<Arc<Access>>) -> Result<Option<Arc<Stores>>> {
    let Some(mut access) = access else { return Ok(None) };
    loop {
        match Arc::try_unwrap(access) {
            Ok(access) => return Ok(Some(access.stores)),
            Err(shared) => access = shared,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Closes the catalog, so that the path can be opened again at once.
fn close_stores(stores: Option<Arc<Stores>>) {
    if let Some(stores) = stores.and_then(Arc::into_inner) {
        stores.close();
    }
}
