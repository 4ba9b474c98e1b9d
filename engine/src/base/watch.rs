//! A call that is watched: it can be told to stop, has a time limit, and says how far it is.
//!
//! What a thread is doing for a caller is watched through a variable of the thread, so that loops deep inside need no
//! argument for it. Work that a call hands to other threads takes the watch along.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::error::{Error, Result};

thread_local! {
    static CURRENT: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Stops the calls that it is given to, from any thread. Clones stop the same calls.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A handle that has stopped nothing yet.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Stops the calls that it was given to, and those that it is given to later. They answer [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// What finds the handle again while a call has it.
    pub(crate) fn weak(&self) -> Weak<AtomicBool> {
        Arc::downgrade(&self.0)
    }

    /// The handle, when a call still has it.
    pub(crate) fn upgrade(weak: &Weak<AtomicBool>) -> Option<Cancel> {
        weak.upgrade().map(Cancel)
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How far a long call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The step that it is at: `copy`, `replay`, `embed`, `write` and so on. Steps follow one another.
    pub what: &'static str,
    /// Units of the step that are done.
    pub done: u64,
    /// Units of the step; 0 where they are not known before.
    pub total: u64,
}

type Listener = Arc<dyn Fn(Progress) + Send + Sync>;

/// What watches the calls that are made inside [`Watch::run`]: a handle that stops them, a time limit, a listener.
///
/// A call that is stopped answers [`Error::Cancelled`] or [`Error::DeadlineExceeded`], mostly within a tenth of a second.
/// It changes nothing, except for the whole steps that its documentation names, and the engine goes on working.
///
/// ```no_run
/// use onelist::{Cancel, Config, Engine, Watch};
/// let db = Engine::open("shop.onelist", Config::default())?;
/// let cancel = Cancel::new();
/// let stop = cancel.clone(); // for a signal handler, or a button
/// let watch = Watch::new().cancel(&cancel).progress(|at| println!("{} {} of {}", at.what, at.done, at.total));
/// let tuning = watch.run(|| db.tune())?;
/// # Ok::<(), onelist::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Watch {
    cancel: Option<Cancel>,
    deadline: Option<Instant>,
    listener: Option<Listener>,
}

impl Watch {
    /// A watch that lets everything pass.
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Stops calls when the handle says so.
    pub fn cancel(mut self, cancel: &Cancel) -> Watch {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Stops calls so long after now. A second limit only shortens the first.
    pub fn timeout(mut self, limit: Duration) -> Watch {
        // A limit beyond what the clock can count is none.
        let end = Instant::now().checked_add(limit);
        self.deadline = self.deadline.into_iter().chain(end).min();
        self
    }

    /// Tells `listener` how far long calls are. It is called on the threads that do the work, while these hold locks: it must
    /// not call the engine, and should be quick.
    pub fn progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Watch {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Runs calls of the engine that are watched. In place of a watch around it, not in addition.
    pub fn run<T>(&self, calls: impl FnOnce() -> T) -> T {
        within(Some(self.clone()), calls)
    }

    /// What [`check`] asks of it.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::DeadlineExceeded),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch {{ cancel: {:?}, deadline: {:?} }}", self.cancel, self.deadline)
    }
}

/// What long work asks between its steps.
///
/// # Errors
/// [`Error::Cancelled`] and [`Error::DeadlineExceeded`] when the call of this thread is to stop.
pub(crate) fn check() -> Result<()> {
    CURRENT.with_borrow(|watch| watch.as_ref().map_or(Ok(()), Watch::check))
}

/// Tells who watches the call of this thread how far it is.
pub(crate) fn report(what: &'static str, done: usize, total: usize) {
    let listener = CURRENT.with_borrow(|watch| watch.as_ref().and_then(|watch| watch.listener.clone()));
    if let Some(listener) = listener {
        listener(Progress { what, done: done as u64, total: total as u64 });
    }
}

/// [`check`] and now and then [`report`], for loops with quick steps.
pub(crate) fn step(what: &'static str, done: usize, total: usize) -> Result<()> {
    const EVERY: usize = 1_024;
    if done.is_multiple_of(EVERY) {
        report(what, done, total);
    }
    check()
}

/// Whether the call of this thread is to stop: for sums and fits that cannot fail. They end early with any result, and the
/// caller asks [`check`] before it uses that.
pub(crate) fn is_stopped() -> bool {
    check().is_err()
}

/// What watches the call of this thread: for threads that work for it.
pub(crate) fn current() -> Option<Watch> {
    CURRENT.with_borrow(Clone::clone)
}

/// What watches the call of this thread, with a limit of time from now on.
pub(crate) fn current_with_timeout(limit: Duration) -> Watch {
    current().unwrap_or_default().timeout(limit)
}

/// Does work that is watched by `watch`, or by nothing.
pub(crate) fn within<T>(watch: Option<Watch>, work: impl FnOnce() -> T) -> T {
    /// Puts back what watched before, after a panic too.
    struct Before(Option<Watch>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(|watch| *watch = self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(watch));
    work()
}

/// Waits for what `attempt` is asked for again and again, for at most `each` at a time, until it answers.
///
/// # Errors
/// Those of [`check`], which is asked in between.
pub(crate) fn wait<T>(mut attempt: impl FnMut(Duration) -> Option<T>) -> Result<T> {
    /// How long a call that was stopped may go on waiting.
    const EACH: Duration = Duration::from_millis(50);
    loop {
        if let Some(found) = attempt(EACH) {
            return Ok(found);
        }
        check()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn name(result: Result<()>) -> &'static str {
        result.map_or_else(|error| error.name(), |()| "goes on")
    }

    #[test]
    fn only_what_is_watched_stops() {
        let cancel = Cancel::new();
        let watch = Watch::new().cancel(&cancel);
        assert_eq!(watch.run(|| name(check())), "goes on");
        cancel.clone().cancel();
        assert_eq!(name(check()), "goes on");
        assert_eq!(watch.run(|| name(check())), "Cancelled");
        assert_eq!(watch.run(|| Watch::new().run(|| name(check()))), "goes on");
        assert_eq!(watch.run(|| (Watch::new().run(|| ()), name(check())).1), "Cancelled", "the outer one is back");
        let other = watch.run(|| {
            let taken = current();
            std::thread::scope(|scope| {
                let plain = scope.spawn(|| name(check())).join().unwrap();
                let with = scope.spawn(|| within(taken, || name(check()))).join().unwrap();
                (plain, with)
            })
        });
        assert_eq!(other, ("goes on", "Cancelled"));
    }

    #[test]
    fn the_shortest_limit_counts() {
        let (none, long) = (Duration::ZERO, Duration::from_secs(3600));
        let run = |watch: Watch| watch.run(|| name(check()));
        assert_eq!(run(Watch::new().timeout(none)), "DeadlineExceeded");
        assert_eq!(run(Watch::new().timeout(long)), "goes on");
        assert_eq!(run(Watch::new().timeout(long).timeout(none)), "DeadlineExceeded");
        assert_eq!(run(Watch::new().timeout(none).timeout(long)), "DeadlineExceeded");
        assert_eq!(run(Watch::new().timeout(Duration::MAX)), "goes on");
        let inside = Watch::new().timeout(long).run(|| current_with_timeout(none).run(|| name(check())));
        assert_eq!(inside, "DeadlineExceeded");
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(run(Watch::new().timeout(none).cancel(&cancel)), "Cancelled");
    }

    #[test]
    fn a_listener_hears_what_is_reported_inside() {
        let heard: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let to = heard.clone();
        let watch = Watch::new().progress(move |at| to.lock().unwrap().push(at));
        report("outside", 1, 2);
        watch.run(|| report("inside", 3, 4));
        assert_eq!(*heard.lock().unwrap(), [Progress { what: "inside", done: 3, total: 4 }]);
        // A panic ends the watch as a return does.
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watch.run(|| panic!("inside"))));
        assert!(panicked.is_err());
        report("outside", 1, 2);
        assert_eq!(heard.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_wait_ends_with_its_answer_or_with_the_call() {
        let mut left = 3;
        let found = wait(|_| {
            left -= 1;
            (left == 0).then_some("there")
        });
        assert_eq!(found.unwrap(), "there");
        let start = Instant::now();
        let watch = Watch::new().timeout(Duration::from_millis(60));
        let ended = watch.run(|| {
            wait(|each| {
                std::thread::sleep(each);
                None::<()>
            })
        });
        assert_eq!(ended.unwrap_err().name(), "DeadlineExceeded");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
