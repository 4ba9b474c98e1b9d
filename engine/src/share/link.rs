//! The way to the process that writes.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::frame::{self, Kind, decode, encode};
use super::hello::Hello;
use super::socket;
use super::wire_error::WireError;
use crate::base::error::Error;
use crate::base::fork::NotInherited;

/// The process that writes says once a second that it works. It hangs when it says nothing for so long.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);
/// Connections that are kept for the next order.
const KEPT: usize = 16;

/// What became of an order.
pub(crate) enum Outcome {
    Answer(Vec<u8>),
    Refused(Error),
    /// It was not sent: nobody listens.
    NotSent,
    /// It was sent, and the process that writes is gone.
    Lost,
    /// It was sent, and the process that writes says nothing.
    Silent,
}

/// Connections to the process that writes, made as they are needed.
pub(crate) struct Link {
    dir: PathBuf,
    hello: Hello,
    idle: Mutex<Vec<Connection>>,
    pid: AtomicU32,
}

/// A connection on which both sides know each other.
pub(crate) struct Connection(NotInherited<UnixStream>);

impl Link {
    pub(crate) fn new(dir: &Path, hello: Hello) -> Link {
        Link { dir: dir.to_owned(), hello, idle: Mutex::default(), pid: AtomicU32::new(0) }
    }

    /// The process that was last heard of; 0 for none.
    pub(crate) fn writer(&self) -> u32 {
        self.pid.load(Ordering::SeqCst)
    }

    /// A new connection; `None` when nobody listens.
    ///
    /// # Errors
    /// What the system answers, and [`io::ErrorKind::InvalidData`] for a process with another version of the library, or one that
    /// does not trust this one.
    pub(crate) fn connect(&self) -> io::Result<Option<Connection>> {
        let Some(stream) = socket::connect(&self.dir)? else { return Ok(None) };
        let stream = NotInherited::new(stream);
        stream.get().set_read_timeout(Some(SILENCE))?;
        stream.get().set_write_timeout(Some(SILENCE))?;
        let refused = || io::Error::from(io::ErrorKind::InvalidData);
        frame::write(&mut stream.get(), Kind::Hello, &encode(&self.hello).map_err(io::Error::other)?)?;
        let (_, body) = frame::read(&mut stream.get())?;
        let theirs: Hello = decode(&body).map_err(|_| refused())?;
        if !self.hello.fits(&theirs) || !socket::is_trusted(stream.get()) {
            return Err(refused());
        }
        self.pid.store(theirs.pid, Ordering::SeqCst);
        Ok(Some(Connection(stream)))
    }

    /// Has an order done, and waits for its answer.
    pub(crate) fn call(&self, name: &str, arguments: &[u8]) -> Outcome {
        let body = match encode(&(name, arguments)) {
            Ok(body) => body,
            Err(error) => return Outcome::Refused(error),
        };
        if let Some(kept) = self.take_kept() {
            return self.send(kept, &body);
        }
        match self.connect() {
            Ok(Some(connection)) => self.send(connection, &body),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                Outcome::Refused(Error::AlreadyOpen { path: self.dir.clone(), pid: self.writer() })
            }
            _ => Outcome::NotSent,
        }
    }

    fn send(&self, connection: Connection, body: &[u8]) -> Outcome {
        let mut stream = connection.0.get();
        if let Err(e) = frame::write(&mut stream, Kind::Order, body) {
            return lost(&e);
        }
        loop {
            match frame::read(&mut stream) {
                Ok((Kind::Working, _)) => {}
                Ok((kind, answer)) => {
                    self.keep(connection);
                    return match kind {
                        Kind::Answer => Outcome::Answer(answer),
                        _ => Outcome::Refused(decode(&answer).map_or_else(|error| error, WireError::into_error)),
                    };
                }
                Err(e) => return lost(&e),
            }
        }
    }

    /// A kept connection whose other side is still there.
    fn take_kept(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(kept) = idle.pop() {
            if kept.is_open() {
                return Some(kept);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Outcome::Silent,
        _ => Outcome::Lost,
    }
}

impl Connection {
    /// Waits, and says whether the other side is still there. Nothing but its end comes unasked.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut ready = [PollFd::new(self.0.get(), PollFlags::IN)];
        // A signal may cut the wait short.
        !matches!(poll(&mut ready, Some(&limit)), Ok(found) if found > 0)
    }

    fn is_open(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Says how far this process has followed.
    pub(crate) fn report(&self, position: crate::base::id::Seq) -> io::Result<()> {
        frame::write(&mut self.0.get(), Kind::Position, &encode(&position).map_err(io::Error::other)?)
    }
}
