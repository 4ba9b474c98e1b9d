//! One run of the graph: named inputs in, checked outputs out.

use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session};
use ort::value::{DynValue, TensorRef};

use crate::base::error::{Error, Result};
use crate::model::contract::SID_LOGITS;
use crate::model::device::Device;
use crate::model::runtime::no_panic;

/// Which outputs a run reads. ONNX Runtime computes the rest anyway, at size one, but only these are copied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Call {
    /// Texts to content vectors.
    Text,
    /// Content vectors to item vectors and semantic ids.
    Item,
    /// Query and history to context vectors.
    Context,
    /// Candidates to scores.
    Scores,
    /// Candidates to scores and the part of each feature.
    Explained,
    /// Everything: the probe.
    Probe,
}

/// Every call, in the order of their numbers.
const CALLS: [Call; 6] = [Call::Text, Call::Item, Call::Context, Call::Scores, Call::Explained, Call::Probe];

impl Call {
    /// The outputs that are read, in the order in which [`run`] returns them; of a graph that scores codes, or of one
    /// that does not.
    fn outputs(self, scores_codes: bool) -> &'static [&'static str] {
        match self {
            Call::Text => &["text_emb"],
            Call::Item => &["item_vec", "item_sid"],
            Call::Context if scores_codes => &["context_vec", SID_LOGITS],
            Call::Context => &["context_vec"],
            Call::Scores => &["scores"],
            Call::Explained => &["scores", "contributions"],
            Call::Probe if scores_codes => {
                &["text_emb", "item_vec", "item_sid", "context_vec", "contributions", "scores", SID_LOGITS]
            }
            Call::Probe => &["text_emb", "item_vec", "item_sid", "context_vec", "contributions", "scores"],
        }
    }
}

/// Values of one input, borrowed for the run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit integers.
    I64(&'a [i64]),
}

/// One input of a run: its name, its shape and as many values as the shape asks for.
#[derive(Debug, Clone)]
pub(super) struct Feed<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// Shape; every size is one or more.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Values<'a>,
}

impl<'a> Feed<'a> {
    /// An input of floats.
    pub(super) fn f32(name: &'a str, shape: &[usize], values: &'a [f32]) -> Self {
        Feed { name, shape: shape.to_vec(), values: Values::F32(values) }
    }

    /// An input of integers.
    pub(super) fn i64(name: &'a str, shape: &[usize], values: &'a [i64]) -> Self {
        Feed { name, shape: shape.to_vec(), values: Values::I64(values) }
    }
}

/// One output, copied out of ONNX Runtime.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Output {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Floats, all finite; empty when the output holds integers.
    pub floats: Vec<f32>,
    /// Integers; empty when the output holds floats.
    pub integers: Vec<i64>,
}

impl Output {
    /// The floats of an output that has to have this shape.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(super) fn floats_of(self, shape: &[usize]) -> Result<Vec<f32>> {
        self.check_shape(shape)?;
        Ok(self.floats)
    }

    /// The integers of an output that has to have this shape.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(super) fn integers_of(self, shape: &[usize]) -> Result<Vec<i64>> {
        self.check_shape(shape)?;
        Ok(self.integers)
    }

    fn check_shape(&self, shape: &[usize]) -> Result<()> {
        let full = self.floats.len().max(self.integers.len()) == shape.iter().product::<usize>();
        if self.shape == shape && full {
            return Ok(());
        }
        Err(failed(format!("expected an output of shape {shape:?}, found {:?}", self.shape)))
    }
}

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

/// Copies an output out of ONNX Runtime.
pub(super) fn copy(name: &str, value: &DynValue) -> std::result::Result<Output, String> {
    let sizes = |shape: &[i64]| shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
    if let Ok((shape, values)) = value.try_extract_tensor::<f32>() {
        // The last place where a NaN can be seen: past it, it is a score like any other.
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(format!("output {name} is not finite at index {index}"));
        }
        return Ok(Output { shape: sizes(shape), floats: values.to_vec(), integers: Vec::new() });
    }
    let (shape, values) = value.try_extract_tensor::<i64>().map_err(|error| format!("output {name}: {error}"))?;
    Ok(Output { shape: sizes(shape), floats: Vec::new(), integers: values.to_vec() })
}

/// An [`Error::ModelFailed`].
pub(super) fn failed(reason: impl Into<String>) -> Error {
    Error::ModelFailed { reason: reason.into() }
}
