//! Finding and loading ONNX Runtime, once per process.
//!
//! ONNX Runtime allows one environment per process, and a library that is loaded stays loaded. So both live in a static:
//! a second engine shares them, whatever path it asks for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::api::config::Config;
use crate::base::error::{Error, Result};
use crate::model::discover::{Candidate, candidates};
use crate::model::elf;

/// The loaded library and its one environment.
pub(super) struct Runtime {
    /// What sessions are created in. It is never dropped: at exit, ONNX Runtime's own statics may be gone already.
    pub environment: Environment,
    /// The file it was loaded from.
    pub path: PathBuf,
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// The runtime, loaded on the first call.
///
/// # Errors
/// [`Error::RuntimeMissing`] with every place that was tried and what was wrong there.
pub(super) fn runtime(config: &Config) -> Result<&'static Runtime> {
    // The lock keeps two threads from loading two libraries; a poisoned one guards nothing that could be half done.
    let _guard = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let loaded = load_first(candidates(config.onnxruntime.as_deref()))?;
    Ok(RUNTIME.get_or_init(|| loaded))
}

fn load_first(candidates: Vec<Candidate>) -> Result<Runtime> {
    let mut tried = Vec::new();
    for candidate in candidates {
        match candidate.and_then(|path| load(&path).map_err(|reason| format!("{}: {reason}", path.display()))) {
            Ok(runtime) => return Ok(runtime),
            Err(reason) => tried.push(reason),
        }
    }
    let found = if tried.is_empty() {
        "no shared library in the active Python environment, nor in the system's library folders".to_owned()
    } else {
        format!("nothing usable; tried {}", tried.join("; "))
    };
    Err(Error::RuntimeMissing { found })
}

fn load(path: &Path) -> std::result::Result<Runtime, String> {
    if !path.exists() {
        return Err("no such file".to_owned());
    }
    // Must come before the loader sees the file: a cut-off library kills the process there.
    if cfg!(target_os = "linux") {
        elf::check_complete(path)?;
    }
    let built = no_panic(|| {
        // The reason that the dynamic loader gives is only in the debug form.
        let builder = ort::init_from(path).map_err(|error| format!("{error} ({error:?})"))?;
        builder.with_name("onelist").with_telemetry(false).build().map_err(|error| error.to_string())
    });
    let environment = built.and_then(|built| built)?;
    // Errors come back as values; without this they are printed on the host's standard error too.
    if std::env::var_os("ORT_LOG").is_none() {
        environment.set_log_level(LogLevel::Fatal);
    }
    Ok(Runtime { environment, path: path.to_path_buf() })
}

/// Runs code of a dependency that may panic where it should return an error.
pub(super) fn no_panic<T>(run: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("panic in a dependency: {}", text.unwrap_or_default())
    })
}
