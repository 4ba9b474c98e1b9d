//! One connection of the process that writes: orders come in, answers go out.

use std::io;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::SendFlags;

use super::frame::{self, Kind, decode, encode};
use super::hello::Hello;
use super::socket::is_trusted;
use super::wire_error::WireError;
use crate::base::error::{Error, Result};
use crate::base::fork::NotInherited;
use crate::base::id::Seq;

/// How long the first words may take, and an answer to a process that does not read.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does what an order of that name asks for; its arguments and the answer as bytes.
pub(crate) type Handler = Arc<dyn Fn(&str, &[u8]) -> Result<Vec<u8>> + Send + Sync>;

pub(super) struct Peer {
    stream: NotInherited<UnixStream>,
    /// Held while a frame is written.
    writing: Mutex<()>,
    busy: AtomicBool,
    pid: AtomicU32,
    position: Mutex<Option<(Instant, Seq)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    pub(super) fn new(stream: UnixStream) -> Peer {
        Peer {
            stream: NotInherited::new(stream),
            writing: Mutex::default(),
            busy: AtomicBool::new(false),
            pid: AtomicU32::new(0),
            position: Mutex::default(),
        }
    }

    /// Its process, and the commit that it has followed up to, when it said so less than `recently` ago.
    pub(super) fn position(&self, recently: Duration) -> Option<(u32, Seq)> {
        let (when, seq) = (*lock(&self.position))?;
        (when.elapsed() < recently).then(|| (self.pid.load(Ordering::SeqCst), seq))
    }

    /// Its process, and since when it has said nothing, when that is longer than `recently`.
    pub(super) fn silent(&self, recently: Duration) -> Option<(u32, Duration)> {
        let (when, _) = (*lock(&self.position))?;
        Some((self.pid.load(Ordering::SeqCst), when.elapsed())).filter(|(_, silence)| *silence >= recently)
    }

    /// Works until the other side goes, or does not keep to the rules.
    pub(super) fn run(&self, hello: &Hello, handler: &Handler) -> io::Result<()> {
        let mut stream = self.stream.get();
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let refused = || io::Error::from(io::ErrorKind::InvalidData);
        let (kind, body) = frame::read(&mut stream)?;
        let came: Hello = decode(&body).map_err(|_| refused())?;
        self.write(Kind::Hello, &encode(hello).map_err(io::Error::other)?)?;
        if kind != Kind::Hello || !is_trusted(stream) || !hello.fits(&came) {
            return Err(refused());
        }
        self.pid.store(came.pid, Ordering::SeqCst);
        stream.set_read_timeout(None)?;
        loop {
            match frame::read(&mut stream)? {
                (Kind::Order, body) => self.order(handler, &body)?,
                (Kind::Position, body) => {
                    let seq: Seq = decode(&body).map_err(|_| refused())?;
                    *lock(&self.position) = Some((Instant::now(), seq));
                }
                _ => return Err(refused()),
            }
        }
    }

    fn order(&self, handler: &Handler, body: &[u8]) -> io::Result<()> {
        self.busy.store(true, Ordering::SeqCst);
        let work = || -> Result<Vec<u8>> {
            let (name, arguments): (String, Vec<u8>) = decode(body)?;
            handler(&name, &arguments)
        };
        let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("an order panicked")));
        self.busy.store(false, Ordering::SeqCst);
        match done {
            Ok(answer) => self.write(Kind::Answer, &answer),
            Err(error) => self.write(Kind::Refusal, &encode(&WireError::of(&error)).map_err(io::Error::other)?),
        }
    }

    fn write(&self, kind: Kind, body: &[u8]) -> io::Result<()> {
        let _one_at_a_time = lock(&self.writing);
        frame::write(&mut self.stream.get(), kind, body)
    }

    /// Tells a process that waits that its order is being worked on. Never waits itself.
    pub(super) fn tick(&self) {
        if !self.busy.load(Ordering::SeqCst) {
            return;
        }
        let Ok(_one_at_a_time) = self.writing.try_lock() else { return };
        let frame = [Kind::Working as u8, 0, 0, 0, 0];
        let sent = rustix::net::send(self.stream.get(), &frame, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        // Half of a frame cannot be taken back.
        if sent.is_ok_and(|bytes| bytes < frame.len()) {
            self.end();
        }
    }

    /// Takes no further orders. One that is being worked on is answered.
    pub(super) fn finish(&self) {
        let _ = self.stream.get().shutdown(std::net::Shutdown::Read);
    }

    /// Ends the connection.
    pub(super) fn end(&self) {
        let _ = self.stream.get().shutdown(std::net::Shutdown::Both);
    }
}
