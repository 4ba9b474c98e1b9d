//! A session with its run options: named inputs in, checked outputs out.

use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session};
use ort::value::TensorRef;

use crate::base::error::Result;
use crate::model::call::{CALLS, Call};
use crate::model::device::Device;
use crate::model::feed::{Feed, Values};
use crate::model::output::{Output, copy, failed};
use crate::model::runtime::no_panic;

/// A session with what its runs need. ONNX Runtime's sessions are not safe to run twice at the same time, so a slot is
/// always held alone.
pub(super) struct Slot {
    session: Session,
    options: Vec<RunOptions<HasSelectedOutputs>>,
    scores_codes: bool,
    /// Bindings, where the graph runs on a device with memory of its own.
    device: Option<Device>,
}

impl Slot {
    /// Prepares the options of every call once. `scores_codes`: the graph has the output `sid_logits`. `device`: its bindings,
    /// for a graph without defaults.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(super) fn new(session: Session, scores_codes: bool, device: Option<Device>) -> Result<Slot> {
        let options = CALLS
            .iter()
            .map(|call| options(call.outputs(scores_codes)))
            .collect::<ort::Result<Vec<_>>>()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Slot { session, options, scores_codes, device })
    }

    /// The outputs of a call, in the order of its answer.
    pub(super) fn outputs(&self, call: Call) -> &'static [&'static str] {
        call.outputs(self.scores_codes)
    }

    /// Runs the graph. Inputs that are not fed keep their defaults.
    ///
    /// # Errors
    /// [`Error::ModelFailed`] when ONNX Runtime refuses an input or fails, or when an output is not finite.
    pub(super) fn run(&mut self, call: Call, feeds: &[Feed]) -> Result<Vec<Output>> {
        no_panic(|| self.run_inner(call, feeds)).map_err(failed)?.map_err(failed)
    }

    /// Runs the shapes that a device is to be ready for; on the CPU there is nothing to get ready.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(super) fn warm(&mut self) -> Result<()> {
        let names = self.outputs(Call::Probe);
        let Some(device) = &mut self.device else {
            return Ok(());
        };
        no_panic(|| device.warm(&mut self.session, names)).map_err(failed)?.map_err(failed)
    }

    /// The device's bindings.
    #[cfg(test)]
    pub(super) fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    fn run_inner(&mut self, call: Call, feeds: &[Feed]) -> std::result::Result<Vec<Output>, String> {
        if let Some(device) = &mut self.device {
            return device.run(&mut self.session, call.outputs(self.scores_codes), feeds);
        }
        let inputs = feeds
            .iter()
            .map(|feed| {
                let shape: &[usize] = &feed.shape;
                Ok((
                    feed.name,
                    match feed.values {
                        Values::F32(values) => TensorRef::from_array_view((shape, values))?.into(),
                        Values::I64(values) => TensorRef::from_array_view((shape, values))?.into(),
                    },
                ))
            })
            .collect::<ort::Result<Vec<(&str, ort::session::SessionInputValue)>>>()
            .map_err(|error| error.to_string())?;
        let options = self.options.get(call as usize).ok_or("no options for this call")?;
        let outputs = self.session.run_with_options(inputs, options).map_err(|error| error.to_string())?;
        call.outputs(self.scores_codes)
            .iter()
            .map(|name| copy(name, outputs.get(name).ok_or_else(|| format!("no output {name}"))?))
            .collect()
    }
}

fn options(outputs: &[&'static str]) -> ort::Result<RunOptions<HasSelectedOutputs>> {
    let selected = outputs.iter().fold(OutputSelector::no_default(), |all, name| all.with(*name));
    Ok(RunOptions::new()?.with_outputs(selected))
}
