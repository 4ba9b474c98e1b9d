//! Opening sessions on the provider that was asked for.

use std::sync::Arc;

use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::DynValue;

use crate::api::config::{Config, Precision, Provider};
use crate::base::error::{Error, Result};
use crate::model::buckets::{Bounds, Buckets};
use crate::model::check;
use crate::model::contract::SID_LOGITS;
use crate::model::defaults::{defaults, without};
use crate::model::device::{Device, Form};
use crate::model::engines::{self, Building, EngineFolder};
use crate::model::fault::Fault;
use crate::model::files::{Files, refused};
use crate::model::manifest::Refusal;
use crate::model::probe;
use crate::model::provider::Chosen;
use crate::model::resident::send_defaults;
use crate::model::runtime::{Runtime, no_panic};
use crate::model::scan::Scanned;
use crate::model::shared_tensors::shared_tensors;
use crate::model::slot::Slot;
use crate::model::tensorrt;

/// How far a probe's outputs may be off where products are rounded to ten bits, or sums to sixteen: the most that a manifest
/// may allow as well.
const REDUCED_TOLERANCE: f64 = 1e-2;

/// Sessions that are ready, and where they run.
pub(super) struct Opened {
    /// The sessions.
    pub slots: Vec<Slot>,
    /// The provider that runs them.
    pub provider: Provider,
    /// Why that is not the one that was asked for.
    pub fallback: Option<String>,
    /// What a run may hold at most.
    pub bounds: Bounds,
    /// TensorRT's engines, which no process removes while they are in use.
    pub engines: Option<EngineFolder>,
}

/// Why sessions did not open.
enum Failure {
    Provider(Fault),
    Model(Refusal),
    Other(Error),
}

/// What sessions are opened from.
#[derive(Clone, Copy)]
struct Source<'a> {
    config: &'a Config,
    runtime: &'a Runtime,
    files: &'a Files,
    scanned: &'a Scanned,
}

/// Opens the configured number of sessions, and checks them: their signature, and the manifest's probe.
///
/// # Errors
/// [`Error::Provider`] when the provider cannot start and no fallback is allowed; [`Error::ModelRefused`] when ONNX
/// Runtime does not take the file, or it differs from its manifest.
pub(super) fn open(config: &Config, runtime: &Runtime, files: &Files, scanned: &Scanned) -> Result<Opened> {
    let source = Source { config, runtime, files, scanned };
    let (mut provider, mut fallback) = (config.provider, None);
    let mut opened = source.on(provider);
    if let (Err(Failure::Provider(fault)), true) = (&opened, config.provider_fallback) {
        fallback = Some(format!("{}: {fault}", provider.name()));
        provider = Provider::Cpu;
        opened = source.on(provider);
    }
    source.result(provider, opened).map(|opened| Opened { fallback, ..opened })
}

/// The same with the CPU as if it were a device with memory of its own, and sizes of runs that matter.
#[cfg(test)]
pub(super) fn open_bound(config: &Config, runtime: &Runtime, files: &Files, scanned: &Scanned) -> Result<Opened> {
    let source = Source { config, runtime, files, scanned };
    source.result(Provider::Cpu, source.on_device(Provider::Cpu, &Chosen::Bound))
}

impl Source<'_> {
    fn on(&self, provider: Provider) -> std::result::Result<Opened, Failure> {
        if provider == Provider::Cpu {
            return self.on_cpu();
        }
        let engines = self.engines(provider).map_err(Failure::Provider)?;
        let choose = |profiles| {
            let folder = engines.as_ref().map(|(folder, _)| folder.path());
            Chosen::new(provider, self.config.precision, &self.files.manifest, folder, profiles)
                .map_err(Failure::Provider)
        };
        let mut opened = self.on_device(provider, &choose(true)?);
        if matches!(&opened, Err(Failure::Provider(fault)) if tensorrt::wants_no_profiles(&fault.found)) {
            // TensorRT takes the graph in parts. It learns the ranges between them from the shapes that it is shown.
            opened = self.on_device(provider, &choose(false)?);
        }
        opened.map(|opened| Opened { engines: engines.map(|(folder, _)| folder), ..opened })
    }

    /// The folder of TensorRT's engines, where there is one; until its second half is dropped no other process builds there.
    fn engines(&self, provider: Provider) -> std::result::Result<Option<(EngineFolder, Building)>, Fault> {
        let Some(parent) = self.config.engine_cache.as_deref().filter(|_| provider == Provider::TensorRt) else {
            return Ok(None);
        };
        let manifest = &self.files.manifest;
        // An engine depends on who built it, and for what.
        let mut rest = vec![no_panic(ort::info).unwrap_or_default(), self.config.precision.name()];
        let ranges = tensorrt::profiles(manifest, &Buckets::new(manifest.tokenizer.max_tokens));
        rest.extend(ranges.iter().map(|(_, shapes)| shapes.as_str()));
        let folder = EngineFolder::take(parent, &engines::name(&manifest.sha256, &rest))?;
        let building = folder.building()?;
        Ok(Some((folder, building)))
    }

    /// Opens all sessions side by side: most of it is parsing the file.
    fn on_cpu(&self) -> std::result::Result<Opened, Failure> {
        let shared = shared_tensors(self.files, self.scanned);
        let open = || self.session(&Chosen::Cpu, &self.files.onnx, &shared);
        let sessions = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (1..count(self.config)).map(|_| std::thread::Builder::new().spawn_scoped(scope, open)).collect();
            let mut opened = vec![open()];
            for thread in threads {
                // A thread that could not start does its work here instead.
                opened.push(match thread.map(|thread| thread.join()) {
                    Ok(Ok(session)) => session,
                    Ok(Err(_)) => Err(model("a panic while a session was opened")),
                    Err(_) => open(),
                });
            }
            opened.into_iter().collect::<std::result::Result<Vec<Session>, Failure>>()
        })?;
        let manifest = &self.files.manifest;
        let mut slots = Vec::with_capacity(sessions.len());
        for session in sessions {
            check::signature(&session, manifest, false).map_err(Failure::Model)?;
            slots.push(Slot::new(session, manifest.has_output(SID_LOGITS), None).map_err(Failure::Other)?);
        }
        if let Some(slot) = slots.first_mut() {
            probe::run(slot, manifest, manifest.probe.tolerance).map_err(Failure::Model)?;
        }
        Ok(Opened { slots, provider: Provider::Cpu, fallback: None, bounds: Bounds::NONE, engines: None })
    }

    /// Opens the sessions one after the other, as what the first has built is there for the next, and readies them.
    fn on_device(&self, provider: Provider, chosen: &Chosen) -> std::result::Result<Opened, Failure> {
        let manifest = &self.files.manifest;
        let unfit = |found: String| Failure::Model(("a file whose inputs have plain defaults".to_owned(), found));
        let onnx = without(&self.files.onnx, manifest).map_err(unfit)?;
        let given = defaults(&self.files.onnx, self.scanned, manifest).map_err(unfit)?;
        let sessions = (0..count(self.config))
            .map(|_| self.session(chosen, &onnx, &[]))
            .collect::<std::result::Result<Vec<Session>, Failure>>()?;
        let fault = |message: String| Failure::Provider(Fault::from_message(&message, &self.runtime.path));
        let device = chosen.device().ok_or_else(|| fault("no device".to_owned()))?;
        let given = no_panic(|| send_defaults(given, &device)).and_then(|sent| sent).map_err(fault)?;
        let form = Arc::new(Form::new(manifest, given, device));
        let bounds = Buckets::new(manifest.tokenizer.max_tokens).bounds();
        let mut slots = Vec::with_capacity(sessions.len());
        for session in sessions {
            check::signature(&session, manifest, true).map_err(Failure::Model)?;
            let device = Device::new(&session, Arc::clone(&form)).map_err(|error| fault(error.to_string()))?;
            let scores_codes = manifest.has_output(SID_LOGITS);
            let mut slot = Slot::new(session, scores_codes, Some(device)).map_err(Failure::Other)?;
            slot.warm().map_err(|error| fault(error.to_string()))?;
            self.compare(provider, &mut slot)?;
            slots.push(slot);
        }
        Ok(Opened { slots, provider, fallback: None, bounds, engines: None })
    }

    /// The probe on a device: one that computes something else is the provider's fault, not the model's.
    fn compare(&self, provider: Provider, slot: &mut Slot) -> std::result::Result<(), Failure> {
        let manifest = &self.files.manifest;
        // TensorRT rounds products as it likes; ONNX Runtime has no option against it.
        let rounds = provider == Provider::TensorRt || self.config.precision == Precision::Reduced;
        let tolerance = manifest.probe.tolerance.max(if rounds { REDUCED_TOLERANCE } else { 0.0 });
        probe::run(slot, manifest, tolerance).map_err(|(expected, found)| {
            let advice = "Leave Config::precision full, or take another version of the provider";
            Failure::Provider(Fault::new(format!("the model's probe: {expected}"), found, advice))
        })
    }

    fn session(
        &self,
        chosen: &Chosen,
        onnx: &[u8],
        shared: &[(String, Arc<DynValue>)],
    ) -> std::result::Result<Session, Failure> {
        let fault = |error: ort::Error<_>| Failure::Provider(Fault::from_message(error.message(), &self.runtime.path));
        #[expect(clippy::result_large_err, reason = "the builder comes back inside ort's own error type")]
        no_panic(|| {
            let builder = Session::builder(&self.runtime.environment).map_err(|error| model(error.message()))?;
            let mut builder = builder
                .with_optimization_level(GraphOptimizationLevel::Level3)
                .and_then(|b| b.with_intra_threads(self.config.threads_per_session))
                .and_then(|b| b.with_inter_threads(1))
                // Threads that spin while they wait take the cores from the rest of the host.
                .and_then(|b| b.with_intra_op_spinning(false))
                // A memory plan is kept for every shape that was ever seen, and shapes differ with each request.
                .and_then(|b| b.with_memory_pattern(false))
                .and_then(|b| b.with_log_level(LogLevel::Fatal))
                .map_err(|error| model(error.message()))?;
            let providers = chosen.dispatch().map_err(Failure::Provider)?;
            if !providers.is_empty() {
                builder = builder.with_execution_providers(providers).map_err(fault)?;
            }
            for (name, tensor) in shared {
                builder = builder.with_initializer(name, Arc::clone(tensor)).map_err(|error| model(error.message()))?;
            }
            builder.commit_from_memory(onnx).map_err(|error| match chosen {
                Chosen::Cpu => model(error.message()),
                // The file passed every check of ours, and providers compile it here: theirs is the likelier fault.
                _ => Failure::Provider(Fault::from_message(error.message(), &self.runtime.path)),
            })
        })
        .unwrap_or_else(|panic| Err(model(&panic)))
    }

    fn result(&self, provider: Provider, opened: std::result::Result<Opened, Failure>) -> Result<Opened> {
        opened.map_err(|failure| match failure {
            Failure::Provider(fault) => fault.error(provider),
            Failure::Model(refusal) => refused(&self.files.path)(refusal),
            Failure::Other(error) => error,
        })
    }
}

/// How many sessions: as configured, or one for each core and at most 8.
fn count(config: &Config) -> usize {
    match config.sessions {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
        sessions => sessions,
    }
}

fn model(found: &str) -> Failure {
    Failure::Model(("a graph that ONNX Runtime can load".to_owned(), found.to_owned()))
}
