//! What a process must not inherit: descriptors that mean something while they are open in any process.
//!
//! A lock that flock(2) has taken belongs to the open file, and a connection is open while one descriptor of it is. A child
//! that was forked would keep both alive after its parent has died. So they are closed in the child, by a handler that the
//! C library runs inside fork(2). Descriptors are closed on exec(2) anyway.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

/// Descriptors that are guarded at a time. Those beyond are inherited.
const MOST: usize = 4096;
const NONE: RawFd = -1;

static GUARDED: [AtomicI32; MOST] = [const { AtomicI32::new(NONE) }; MOST];
static HANDLER: Once = Once::new();

/// A file that a forked child does not inherit. In the child its descriptor is closed already: the child forgets the guard and
/// never drops it.
pub(crate) struct NotInherited<F: AsRawFd> {
    slot: Option<&'static AtomicI32>,
    file: F,
}

impl<F: AsRawFd> NotInherited<F> {
    pub(crate) fn new(file: F) -> NotInherited<F> {
        HANDLER.call_once(|| {
            // SAFETY: the handler only reads and writes atomics and calls close(2), which the child of a process with many
            // threads may do. It stays loaded as long as this library, which is never unloaded once it has threads.
            unsafe { libc::pthread_atfork(None, None, Some(close_all)) };
        });
        let descriptor = file.as_raw_fd();
        let take =
            |slot: &&AtomicI32| slot.compare_exchange(NONE, descriptor, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        NotInherited { slot: GUARDED.iter().find(take), file }
    }

    pub(crate) fn get(&self) -> &F {
        &self.file
    }

    pub(crate) fn get_mut(&mut self) -> &mut F {
        &mut self.file
    }
}

impl<F: AsRawFd> Drop for NotInherited<F> {
    /// Before the file is closed: another file may get its number at once.
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.store(NONE, Ordering::SeqCst);
        }
    }
}

extern "C" fn close_all() {
    for slot in &GUARDED {
        let descriptor = slot.swap(NONE, Ordering::SeqCst);
        if descriptor != NONE {
            // SAFETY: the descriptor was open at the fork. Its owner in this process is never used nor dropped: a handle
            // that finds itself in another process than the one that opened it forgets everything.
            unsafe { libc::close(descriptor) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_guard_gives_its_place_back() {
        let open = || NotInherited::new(File::open("/dev/null").expect("opens"));
        let first = open();
        let place = first.slot.expect("has a place");
        assert_eq!(place.load(Ordering::SeqCst), first.get().as_raw_fd());
        drop(first);
        let again: Vec<_> = (0..8).map(|_| open()).collect();
        assert!(again.iter().all(|guard| guard.slot.is_some()));
    }

    #[test]
    fn a_connection_ends_with_the_process_that_made_it() {
        let (ours, mut theirs) = UnixStream::pair().expect("connects");
        let ours = NotInherited::new(ours);
        // SAFETY: the child only waits and ends; it runs nothing of this process.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: both calls are safe in the child of a process with many threads.
            unsafe {
                libc::sleep(30);
                libc::_exit(0);
            }
        }
        drop(ours);
        let mut rest = Vec::new();
        let start = std::time::Instant::now();
        assert_eq!(theirs.read_to_end(&mut rest).expect("reads"), 0);
        assert!(start.elapsed().as_secs() < 20, "the child kept the connection");
        // SAFETY: ends the child above and waits for it.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
    }
}
