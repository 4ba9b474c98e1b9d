//! Calls that may take long: Ctrl-C stops them, and a Python function hears how far they are.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onelist::{Cancel, Error, Progress, Result, Watch};
use pyo3::prelude::*;

use crate::engine::{call, caught};
use crate::error::from_engine;

thread_local! {
    static LISTENER: RefCell<Option<Py<PyAny>>> = const { RefCell::new(None) };
}

/// How often the calling thread looks for signals and for progress.
const LOOK: Duration = Duration::from_millis(50);

/// Tells a callable how far the next long calls of this thread are; None removes it. Returns the callable before it.
#[pyfunction]
pub(crate) fn listen(listener: Option<Py<PyAny>>) -> Option<Py<PyAny>> {
    LISTENER.replace(listener)
}

/// Runs a call on a thread of its own, while this one waits for it, for signals and for news. Only where there is somebody to
/// hear: signals reach the main thread alone.
pub(crate) fn long<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let listener = LISTENER.with_borrow(|listener| listener.as_ref().map(|listener| listener.clone_ref(py)));
    if listener.is_none() && !is_main_thread(py)? {
        return call(py, work);
    }
    let (cancel, latest) = (Cancel::new(), Arc::new(Mutex::new(None)));
    let news = latest.clone();
    let watch = Watch::new().cancel(&cancel);
    let watch = watch.progress(move |at| *news.lock().unwrap_or_else(PoisonError::into_inner) = Some(at));
    let tell = || tell(py, listener.as_ref(), &latest);
    let (done, waits, mut raised) = (AtomicBool::new(false), std::thread::current(), None);
    let result = std::thread::scope(|scope| {
        let work = || {
            let result = watch.run(|| caught(work));
            done.store(true, Ordering::Release);
            waits.unpark();
            result
        };
        let worker = std::thread::Builder::new().name("onelist-call".to_owned()).spawn_scoped(scope, work);
        let failed = |source| Error::Io { action: "start a thread in", path: ".".into(), source };
        let worker = worker.map_err(failed)?;
        while !done.load(Ordering::Acquire) && !worker.is_finished() {
            py.detach(|| std::thread::park_timeout(LOOK));
            if raised.is_none() {
                raised = py.check_signals().and_then(|()| tell()).err();
                raised.iter().for_each(|_| cancel.cancel());
            }
        }
        py.detach(|| worker.join()).unwrap_or_else(|_| Err(Error::Internal { reason: "a call panicked".to_owned() }))
    });
    match raised {
        Some(raised) => Err(raised),
        None => tell().and(result.map_err(|error| from_engine(py, &error))),
    }
}

/// Calls the listener with what is new.
fn tell(py: Python<'_>, listener: Option<&Py<PyAny>>, latest: &Mutex<Option<Progress>>) -> PyResult<()> {
    let news = latest.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((listener, at)) = listener.zip(news) {
        listener.call1(py, (at.done, at.total, at.what))?;
    }
    Ok(())
}

/// A listener of the engine that is a Python callable. What it raises has nobody to go to but `sys.unraisablehook`; while the
/// interpreter ends there is nobody to tell.
pub(crate) fn told<T: 'static>(hears: Py<PyAny>, tell: Tell<T>) -> onelist::Listener<T> {
    Box::new(move |news| {
        Python::try_attach(|py| tell(py, &hears, news).map_err(|raised| raised.write_unraisable(py, None)).ok());
    })
}

/// Calls a listener with some news.
type Tell<T> = fn(Python<'_>, &Py<PyAny>, &T) -> PyResult<Py<PyAny>>;

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    Ok(threading.call_method0("current_thread")?.is(&threading.call_method0("main_thread")?))
}
