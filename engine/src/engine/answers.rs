//! What this process does for others, when it is the one that writes; and what others do for it.

use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;

use super::Engine;
use super::orders::{
    ByName, Delete, DeleteScenario, LoadAdapter, LoadModel, Log, Put, SetScenario, Tune, VerifySignals,
};
use crate::base::error::{Error, Result};
use crate::catalog;
use crate::core::order::{Drain, Order};
use crate::core::{Access, Core, Facade};
use crate::offline::{Tuner, clear_scratch};
use crate::share::{KEEP_IMPRESSIONS, decode, encode};
use crate::store::lock;

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
pub(super) struct Answers {
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

impl Facade for Answers {
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
            Drain::NAME => execute::<Drain>(core, &access, arguments),
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
