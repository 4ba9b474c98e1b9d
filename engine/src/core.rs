//! An open directory at work: its stores, and the threads that its part asks for. One process writes, the others follow it, and
//! any of them takes the writing over when it is gone.
//!
//! The facade opens one for an application; `offline` opens one for each scratch copy.
//!
//! | file | what it does |
//! |---|---|
//! | `start` | which part a process takes, and taking the writing over |
//! | `order` | what changes the store: done here, or sent to the process that writes |
//! | `handles` | several handles of one process share what it has opened |
//! | `forked` | opening anew in a forked child |
//! | `close` | closing, in order |

mod close;
mod forked;
mod handles;
pub(crate) mod order;
mod start;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::api::config::Config;
use crate::api::stats::{HungProcess, ProcessStats};
use crate::background::{Maintenance, clock, cooccurrence};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::ingest::{Writer, WriterThread};
use crate::open::DirectoryLock;
use crate::share::{FollowThread, Link, Server};
use crate::store::{Notices, Stores, lock};

/// How long opening, and an order, wait for a process that writes.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// Handles of this process that are not closed.
    handles: AtomicUsize,
    /// Who listens, also when a forked process opens the directory again.
    notices: Arc<Notices>,
}

/// What the facade does for other processes.
pub(crate) trait Facade: Send + Sync {
    /// Does what an order asks for; arguments and answer as bytes.
    fn order(&self, core: &Arc<Core>, name: &str, arguments: &[u8]) -> Result<Vec<u8>>;

    /// This process writes now.
    fn leads(&self, access: &Arc<Access>);

    /// The directory closes: waits for threads of the facade's own, which the stores have told to end.
    fn ends(&self) -> Result<()>;
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
    fn new(path: &Path, config: Config, facade: Option<Arc<dyn Facade>>, me: Weak<Core>) -> Core {
        let (state, reopening) = (ArcSwap::from_pointee(State::new()), Mutex::default());
        let handles = AtomicUsize::new(1);
        let notices = Arc::default();
        Core { path: path.to_owned(), config, facade, me, state, reopening, handles, notices }
    }

    /// Who listens to calls, and to work in the background.
    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    fn heard(&self, mut stores: Stores) -> Arc<Stores> {
        stores.notices = self.notices.clone();
        Arc::new(stores)
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

    /// [`Core::access`] in the process that writes.
    ///
    /// # Errors
    /// Those of [`Access::writer`].
    pub(crate) fn writing(&self) -> Result<Writing> {
        let access = self.access()?;
        access.writer()?;
        Ok(Writing(access))
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
        let (role, writer) = match &access.part {
            Part::Writes(_) => ("writer", std::process::id()),
            Part::Follows(link) => ("follower", link.writer()),
            Part::Reads => ("reader", 0),
        };
        let mut stats = ProcessStats { role, writer, ..ProcessStats::default() };
        for threads in &*lock(&state.threads) {
            if let Threads::Writing { server: Some(server), .. } = threads {
                let hung = server.hung().into_iter();
                stats.hung = hung.map(|(pid, silence)| HungProcess { pid, seconds: silence.as_secs() }).collect();
                stats.followers = server.followers() as u64;
            }
        }
        stats
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
}

impl Drop for Core {
    /// Closes, as [`Core::close`] does. In a forked child nothing is touched: the parent's handle owns the files.
    fn drop(&mut self) {
        let _ = self.close();
    }
}
