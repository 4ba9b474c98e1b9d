//! What changes the store, in a form that travels to the process that writes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::api::event::Event;
use crate::api::item::Item;
use crate::api::models::{AdapterVersion, ModelVersion};
use crate::api::stats::SignalCheck;
use crate::api::token::Token;
use crate::api::tuning::Tuning;
use crate::background::verify;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog;
use crate::core::{Access, Core, Facade, Order};
use crate::ingest::{prepare_delete, prepare_events, prepare_items};
use crate::offline::{Tuner, clear_scratch, tuning};
use crate::registry;
use crate::share::{KEEP_IMPRESSIONS, decode, encode};
use crate::store::lock;

#[derive(Serialize, Deserialize)]
pub(super) struct Put(pub Vec<Item>);

impl Order for Put {
    const NAME: &'static str = "put";
    type Answer = Token;

    fn execute(self, _: &Core, access: &Access) -> Result<Token> {
        let prepared = prepare_items(&access.stores, self.0)?;
        access.writer()?.put(prepared)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Delete(pub Vec<String>);

impl Order for Delete {
    const NAME: &'static str = "delete";
    type Answer = usize;

    fn execute(self, _: &Core, access: &Access) -> Result<usize> {
        access.writer()?.delete(prepare_delete(&self.0)?)
    }
}

/// Events; those without a time get that of the process that sends them.
#[derive(Serialize, Deserialize)]
pub(super) struct Log {
    events: Vec<Event>,
    sent: Option<Timestamp>,
    /// The events may be in the store already: equal ones are the same.
    again: bool,
}

impl Log {
    pub(super) fn new(events: Vec<Event>) -> Log {
        Log { events, sent: None, again: false }
    }
}

impl Order for Log {
    const NAME: &'static str = "log";
    type Answer = Token;

    fn execute(mut self, _: &Core, access: &Access) -> Result<Token> {
        if self.again {
            self.events.iter_mut().for_each(|event| event.time = event.time.or(self.sent));
        }
        access.writer()?.log(prepare_events(&access.stores.config, self.events)?, self.sent)
    }

    fn leaves(&mut self) {
        self.sent.get_or_insert_with(Timestamp::now);
    }

    fn again(&mut self) {
        self.again = true;
    }
}

/// A name, and rules as JSON text.
#[derive(Serialize, Deserialize)]
pub(super) struct SetScenario(pub String, pub String);

impl Order for SetScenario {
    const NAME: &'static str = "set_scenario";
    type Answer = ();

    fn execute(self, _: &Core, access: &Access) -> Result<()> {
        access.writer()?.set_scenario(self.0, self.1)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeleteScenario(pub String);

impl Order for DeleteScenario {
    const NAME: &'static str = "delete_scenario";
    type Answer = bool;

    fn execute(self, _: &Core, access: &Access) -> Result<bool> {
        access.writer()?.delete_scenario(self.0)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Tune(pub Timestamp);

impl Order for Tune {
    const NAME: &'static str = "tune";
    type Answer = Tuning;

    fn execute(self, _: &Core, access: &Access) -> Result<Tuning> {
        tuning::tune(access, self.0)
    }

    fn is_repeatable(&self) -> bool {
        false
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct VerifySignals;

impl Order for VerifySignals {
    const NAME: &'static str = "verify_signals";
    type Answer = SignalCheck;

    fn execute(self, _: &Core, access: &Access) -> Result<SignalCheck> {
        access.writer()?.drain()?;
        verify::signals(&access.stores)
    }
}

/// The folder of a model.
#[derive(Serialize, Deserialize)]
pub(super) struct LoadModel(pub PathBuf);

impl Order for LoadModel {
    const NAME: &'static str = "load_model";
    type Answer = ModelVersion;

    fn execute(self, _: &Core, access: &Access) -> Result<ModelVersion> {
        registry::load_model(&access.stores, &self.0)
    }
}

/// The name and the folder of an adapter.
#[derive(Serialize, Deserialize)]
pub(super) struct LoadAdapter(pub String, pub PathBuf);

impl Order for LoadAdapter {
    const NAME: &'static str = "load_adapter";
    type Answer = AdapterVersion;

    fn execute(self, _: &Core, access: &Access) -> Result<AdapterVersion> {
        registry::load_adapter(&access.stores, &self.0, &self.1)
    }
}

/// A method of [`Engine::call`] with its arguments; the answer as JSON, or `None`: this process writes, and calls it itself.
#[derive(Serialize, Deserialize)]
struct ByName(String, String);

impl Order for ByName {
    const NAME: &'static str = "call";
    type Answer = Option<String>;

    fn execute(self, _: &Core, _: &Access) -> Result<Option<String>> {
        Ok(None)
    }

    fn is_repeatable(&self) -> bool {
        !ONCE.contains(&self.0.as_str())
    }
}

/// Methods that must not be called twice when it is unknown whether the first call was heard.
const ONCE: [&str; 2] = ["backup", "tune"];

impl Engine {
    /// Has the process that writes call a method by its name, and reads its answer; `None` when this process writes.
    pub(super) fn elsewhere<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: serde_json::Value,
    ) -> Result<Option<T>> {
        if !self.core.access()?.follows() {
            return Ok(None);
        }
        let answer = self.core.order(ByName(method.to_owned(), arguments.to_string()))?;
        let read = |text: String| serde_json::from_str(&text);
        answer.map(read).transpose().map_err(|e| Error::internal(format!("an answer that cannot be read: {e}")))
    }
}

/// Answers the orders of other processes.
#[derive(Default)]
pub(super) struct Orders {
    tuner: SharedTuner,
}

/// Tunes the weights in the background, when the configuration asks for it and this process writes. With the process whose
/// thread it is: a forked child has inherited a handle of no thread.
#[derive(Default)]
struct SharedTuner(Mutex<Option<(u32, Tuner)>>);

impl SharedTuner {
    fn start(&self, access: &Arc<Access>) {
        // Without a thread the weights stay as they are.
        let tuner = Tuner::start(access).ok().flatten().map(|tuner| (std::process::id(), tuner));
        std::mem::forget(std::mem::replace(&mut *lock(&self.0), tuner));
    }

    /// Waits for the thread.
    fn join(&self) -> Result<()> {
        match lock(&self.0).take() {
            Some((pid, tuner)) if pid == std::process::id() => tuner.join(),
            inherited => {
                std::mem::forget(inherited);
                Ok(())
            }
        }
    }
}

impl Facade for Orders {
    fn order(&self, core: &Arc<Core>, name: &str, arguments: &[u8]) -> Result<Vec<u8>> {
        let access = core.access()?;
        access.writer()?;
        match name {
            Put::NAME => execute::<Put>(core, &access, arguments),
            Delete::NAME => execute::<Delete>(core, &access, arguments),
            Log::NAME => execute::<Log>(core, &access, arguments),
            SetScenario::NAME => execute::<SetScenario>(core, &access, arguments),
            DeleteScenario::NAME => execute::<DeleteScenario>(core, &access, arguments),
            Tune::NAME => execute::<Tune>(core, &access, arguments),
            VerifySignals::NAME => execute::<VerifySignals>(core, &access, arguments),
            LoadModel::NAME => execute::<LoadModel>(core, &access, arguments),
            LoadAdapter::NAME => execute::<LoadAdapter>(core, &access, arguments),
            crate::core::Drain::NAME => execute::<crate::core::Drain>(core, &access, arguments),
            KEEP_IMPRESSIONS => {
                let shown: Vec<catalog::Impression> = decode(arguments)?;
                shown.into_iter().for_each(|one| access.stores.impressions.send(Box::new(one)));
                Ok(Vec::new())
            }
            ByName::NAME => {
                drop(access);
                let ByName(method, arguments) = decode(arguments)?;
                let engine = Engine::of(core.clone());
                encode(&Some(engine.call(&method, &arguments)?))
            }
            other => Err(Error::argument("order", "one that this version knows", other)),
        }
    }

    fn leads(&self, access: &Arc<Access>) {
        // What stays is removed by the next process that writes.
        let _ = clear_scratch(&access.stores.path);
        self.tuner.start(access);
    }

    fn ends(&self) -> Result<()> {
        self.tuner.join()
    }
}

fn execute<O: Order>(core: &Core, access: &Access, arguments: &[u8]) -> Result<Vec<u8>> {
    encode(&decode::<O>(arguments)?.execute(core, access)?)
}
