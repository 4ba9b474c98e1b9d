//! Opening sessions on the provider that was asked for.

use std::sync::Arc;

use ort::ep::ExecutionProviderDispatch;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{DynValue, Tensor};

use crate::config::{Config, Provider};
use crate::error::{Error, Result};
use crate::model::contract::{LORA_PREFIX, SID_LOGITS};
use crate::model::files::{Files, refused};
use crate::model::run::Slot;
use crate::model::runtime::{Runtime, no_panic};
use crate::model::scan::{Initializer, Scanned};

/// Tensors from this size on are kept once for all sessions, in bytes.
const SHARED_BYTES: usize = 1 << 20;
/// `TensorProto.DataType` of 32-bit floats and of bytes.
const F32: u64 = 1;
const I8: u64 = 3;

/// Sessions that are ready, and where they run.
pub(super) struct Opened {
    /// The sessions.
    pub slots: Vec<Slot>,
    /// The provider that runs them.
    pub provider: Provider,
    /// Why that is not the one that was asked for.
    pub fallback: Option<String>,
}

/// Why a session did not open.
enum Failure {
    Provider(String),
    Model(String),
}

/// Opens the configured number of sessions.
///
/// # Errors
/// [`Error::Provider`] when the provider cannot start and no fallback is allowed; [`Error::ModelRefused`] when ONNX
/// Runtime does not take the file.
pub(super) fn open(config: &Config, runtime: &Runtime, files: &Files, scanned: &Scanned) -> Result<Opened> {
    let (mut provider, mut fallback) = (config.provider, None);
    let mut sessions = all(config, provider, runtime, files, scanned);
    if let (Err(Failure::Provider(reason)), true) = (&sessions, config.provider_fallback) {
        fallback = Some(format!("{}: {reason}", provider.name()));
        provider = Provider::Cpu;
        sessions = all(config, provider, runtime, files, scanned);
    }
    let sessions = sessions.map_err(|failure| match failure {
        Failure::Provider(reason) => Error::Provider { provider: provider.name(), reason },
        Failure::Model(found) => refused(&files.path)(("a graph that ONNX Runtime can load".to_owned(), found)),
    })?;
    let scores_codes = files.manifest.has_output(SID_LOGITS);
    let slots = sessions.into_iter().map(|session| Slot::new(session, scores_codes)).collect::<Result<Vec<Slot>>>()?;
    Ok(Opened { slots, provider, fallback })
}

/// Opens all sessions on one provider, side by side: most of it is parsing the file.
fn all(
    config: &Config,
    provider: Provider,
    runtime: &Runtime,
    files: &Files,
    scanned: &Scanned,
) -> std::result::Result<Vec<Session>, Failure> {
    // Sharing is for the CPU: a tensor in host memory is no initializer of a GPU's graph.
    let shared = match provider {
        Provider::Cpu => shared_tensors(files, scanned),
        _ => Vec::new(),
    };
    let open = || one(config, provider, runtime, files, &shared);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (1..count(config)).map(|_| std::thread::Builder::new().spawn_scoped(scope, open)).collect();
        let mut opened = vec![open()];
        for thread in threads {
            // A thread that could not start does its work here instead.
            opened.push(match thread.map(|thread| thread.join()) {
                Ok(Ok(session)) => session,
                Ok(Err(_)) => Err(Failure::Model("a panic while a session was opened".to_owned())),
                Err(_) => open(),
            });
        }
        opened.into_iter().collect()
    })
}

/// How many sessions: as configured, or one for each core and at most 8.
fn count(config: &Config) -> usize {
    match config.sessions {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
        sessions => sessions,
    }
}

fn one(
    config: &Config,
    provider: Provider,
    runtime: &Runtime,
    files: &Files,
    shared: &[(String, Arc<DynValue>)],
) -> std::result::Result<Session, Failure> {
    #[expect(clippy::result_large_err, reason = "the builder comes back inside ort's own error type")]
    no_panic(|| {
        let builder = Session::builder(&runtime.environment).map_err(model)?;
        let mut builder = builder
            .with_optimization_level(GraphOptimizationLevel::Level3)
            .and_then(|b| b.with_intra_threads(config.threads_per_session))
            .and_then(|b| b.with_inter_threads(1))
            // Threads that spin while they wait take the cores from the rest of the host.
            .and_then(|b| b.with_intra_op_spinning(false))
            // A memory plan is kept for every shape that was ever seen, and shapes differ with each request.
            .and_then(|b| b.with_memory_pattern(false))
            .and_then(|b| b.with_log_level(LogLevel::Fatal))
            .map_err(model)?;
        let providers = dispatch(provider).map_err(Failure::Provider)?;
        if !providers.is_empty() {
            builder = builder
                .with_execution_providers(providers)
                .map_err(|error| Failure::Provider(error.message().to_owned()))?;
        }
        for (name, tensor) in shared {
            builder = builder.with_initializer(name, Arc::clone(tensor)).map_err(model)?;
        }
        let opened = builder.commit_from_memory(&files.onnx).map_err(|error| error.message().to_owned());
        match provider {
            Provider::Cpu => opened.map_err(Failure::Model),
            // The file passed every check of ours, and providers compile it here: theirs is the likelier fault.
            _ => opened.map_err(Failure::Provider),
        }
    })
    .unwrap_or_else(|panic| Err(Failure::Model(panic)))
}

fn model<R>(error: ort::Error<R>) -> Failure {
    Failure::Model(error.message().to_owned())
}

/// What to register. By default a provider that cannot start is left out without a word, so each says that it must.
fn dispatch(provider: Provider) -> std::result::Result<Vec<ExecutionProviderDispatch>, String> {
    #[cfg(feature = "cuda")]
    let cuda = || ort::ep::CUDA::default().build().error_on_failure();
    match provider {
        Provider::Cpu => Ok(Vec::new()),
        #[cfg(feature = "cuda")]
        Provider::Cuda => Ok(vec![cuda()]),
        // TensorRT leaves the operators it does not have to CUDA.
        #[cfg(all(feature = "tensorrt", feature = "cuda"))]
        Provider::TensorRt => Ok(vec![ort::ep::TensorRT::default().build().error_on_failure(), cuda()]),
        #[allow(unreachable_patterns)]
        other => Err(format!("this build has no support for {}", other.name())),
    }
}

/// The file's big tensors, decoded once. A session that is given one under the same name does not make its own copy,
/// so that eight sessions do not hold the token table eight times.
fn shared_tensors(files: &Files, scanned: &Scanned) -> Vec<(String, Arc<DynValue>)> {
    let big = scanned.initializers.iter().filter(|tensor| {
        // Inputs stay out: a shared tensor is a constant, and those have to remain replaceable.
        tensor.raw.len() >= SHARED_BYTES
            && !files.manifest.has_input(&tensor.name)
            && !tensor.name.starts_with(LORA_PREFIX)
    });
    big.filter_map(|tensor| Some((tensor.name.clone(), Arc::new(decode(files, tensor)?)))).collect()
}

/// `None` for a tensor whose data does not fit its shape: ONNX Runtime says what is wrong with it.
fn decode(files: &Files, tensor: &Initializer) -> Option<DynValue> {
    let raw = files.onnx.get(tensor.raw.clone())?;
    let shape: Vec<i64> = tensor.dims.iter().map(|size| i64::try_from(*size).ok()).collect::<Option<_>>()?;
    let elements = tensor.dims.iter().try_fold(1u64, |all, size| all.checked_mul(*size))?;
    match tensor.dtype {
        I8 if elements == raw.len() as u64 => {
            let values: Vec<i8> = raw.iter().map(|byte| *byte as i8).collect();
            Some(Tensor::from_array((shape, values)).ok()?.into_dyn())
        }
        F32 if elements.checked_mul(4) == Some(raw.len() as u64) => {
            let (words, _) = raw.as_chunks::<4>();
            let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            Some(Tensor::from_array((shape, values)).ok()?.into_dyn())
        }
        _ => None,
    }
}
