//! The side of the process that writes: it accepts connections, and does what the others ask for.

use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::hello::Hello;
use super::peer::{Handler, Peer};
use super::socket;
use crate::base::error::{Error, Result};
use crate::base::fork::NotInherited;
use crate::base::id::Seq;

/// Runs once a second, with the oldest commit that a follower has come to.
pub(crate) type Watch = Box<dyn Fn(Option<Seq>) + Send>;

/// Connections at a time. One process has one for itself and one for each thread that writes.
const MOST_PEERS: usize = 1024;
const SECOND: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// A follower that was silent for longer is not waited for.
const RECENTLY: Duration = Duration::from_secs(10);
/// How long closing waits for answers to be sent.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Accepts until it is stopped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    dir: PathBuf,
    listener: Mutex<Arc<NotInherited<UnixListener>>>,
    hello: Hello,
    handler: Handler,
    peers: Mutex<Vec<Arc<Peer>>>,
    closing: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Listens in a directory. IMPORTANT: the caller holds its lock.
    pub(crate) fn start(dir: &Path, hello: Hello, handler: Handler, watch: Watch) -> Result<Server> {
        let io = |e| Error::io("listen in", dir, e);
        let listener = Mutex::new(bind(dir).map_err(io)?);
        let (peers, closing) = (Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { dir: dir.to_owned(), listener, hello, handler, peers, closing });
        let work = shared.clone();
        let thread = std::thread::Builder::new().name("onelist-share".to_owned()).spawn(move || run(&work, &watch));
        Ok(Server { thread: thread.map_err(io)?, shared })
    }

    /// The processes that follow.
    pub(crate) fn followers(&self) -> usize {
        self.shared.positions().len()
    }

    /// Processes that say nothing although they are connected, and for how long.
    pub(crate) fn hung(&self) -> Vec<(u32, Duration)> {
        lock(&self.shared.peers).iter().filter_map(|peer| peer.silent(RECENTLY)).collect()
    }

    /// Takes no further orders.
    pub(crate) fn finish(&self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        socket::remove(&self.shared.dir);
        // Wakes the thread.
        let _ = rustix::net::shutdown(lock(&self.shared.listener).get(), rustix::net::Shutdown::Both);
        lock(&self.shared.peers).iter().for_each(|peer| peer.finish());
    }

    /// Waits until the orders that were being worked on are answered, for a while.
    pub(crate) fn join(self) -> Result<()> {
        let until = Instant::now() + LAST_ANSWERS;
        while !lock(&self.shared.peers).is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        lock(&self.shared.peers).iter().for_each(|peer| peer.end());
        self.thread.join().map_err(|_| Error::internal("the thread that accepts connections panicked"))
    }
}

fn bind(dir: &Path) -> std::io::Result<Arc<NotInherited<UnixListener>>> {
    let listener = socket::bind(dir)?;
    listener.set_nonblocking(true)?;
    Ok(Arc::new(NotInherited::new(listener)))
}

fn run(shared: &Arc<Shared>, watch: &Watch) {
    let mut last = Instant::now();
    while !shared.closing.load(Ordering::SeqCst) {
        shared.accept();
        if last.elapsed() >= Duration::from_secs(1) {
            last = Instant::now();
            lock(&shared.peers).iter().for_each(|peer| peer.tick());
            watch(shared.positions().into_values().min());
            shared.listen_again();
        }
    }
}

impl Shared {
    /// Waits a moment for a connection, and starts its thread.
    fn accept(self: &Arc<Shared>) {
        let listener = lock(&self.listener).clone();
        let mut ready = [PollFd::new((*listener).get(), PollFlags::IN)];
        if poll(&mut ready, Some(&SECOND)).is_err() || ready[0].revents().is_empty() {
            return;
        }
        let Ok((stream, _)) = listener.get().accept() else {
            // Out of descriptors, or woken up: not in a tight loop.
            std::thread::sleep(Duration::from_millis(5));
            return;
        };
        let mut peers = lock(&self.peers);
        if peers.len() >= MOST_PEERS || stream.set_nonblocking(false).is_err() {
            return;
        }
        let peer = Arc::new(Peer::new(stream));
        let (shared, its) = (self.clone(), peer.clone());
        let work = move || {
            let _ = its.run(&shared.hello, &shared.handler);
            its.end();
            lock(&shared.peers).retain(|peer| !Arc::ptr_eq(peer, &its));
        };
        if std::thread::Builder::new().name("onelist-peer".to_owned()).spawn(work).is_ok() {
            peers.push(peer);
        }
    }

    /// How far each process has followed.
    fn positions(&self) -> BTreeMap<u32, Seq> {
        lock(&self.peers).iter().filter_map(|peer| peer.position(RECENTLY)).collect()
    }

    /// Makes the socket again that somebody has removed.
    fn listen_again(&self) {
        if !self.closing.load(Ordering::SeqCst)
            && !socket::is_there(&self.dir)
            && let Ok(listener) = bind(&self.dir)
        {
            *lock(&self.listener) = listener;
        }
    }
}
