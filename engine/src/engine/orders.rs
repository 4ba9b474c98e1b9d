//! What changes the store, in a form that travels to the process that writes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::api::event::Event;
use crate::api::item::Item;
use crate::api::models::{AdapterVersion, ModelVersion};
use crate::api::stats::SignalCheck;
use crate::api::token::Token;
use crate::api::tuning::Tuning;
use crate::background::verify;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::core::order::Order;
use crate::core::{Access, Core};
use crate::ingest::{prepare_delete, prepare_events, prepare_items};
use crate::offline::tuning;
use crate::registry;

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
pub(super) struct ByName(pub String, pub String);

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
