//! Runs on a device with memory of its own: inputs filled up to a few sizes, bound where they lie, outputs cut back.

use std::sync::Arc;

use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::DynValue;

use crate::model::buckets::{Buckets, Pick};
use crate::model::contract::{Dim, Kind, Tensor};
use crate::model::feed::{Feed, Numbers};
use crate::model::manifest::Manifest;
use crate::model::output::{Output, copy};
use crate::model::pad::{Sizes, cut, fill};
use crate::model::resident::{Resident, in_host_memory};

/// What all sessions of a model on a device share.
pub(super) struct Form {
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    buckets: Buckets,
    /// The defaults, on the device.
    defaults: Vec<(String, DynValue)>,
    device: AllocationDevice<'static>,
    /// Smallest and largest shape of every input that has a free dimension.
    extremes: [Vec<(Tensor, Vec<usize>)>; 2],
}

impl Form {
    /// The form of a model's runs.
    pub(super) fn new(
        manifest: &Manifest,
        defaults: Vec<(String, DynValue)>,
        device: AllocationDevice<'static>,
    ) -> Form {
        let (inputs, buckets) = (manifest.contract_inputs(), Buckets::new(manifest.tokenizer.max_tokens));
        let shape = |tensor: &Tensor, pick: Pick| {
            let size = |dim: &Dim| match *dim {
                Dim::Free(axis) => buckets.pick(axis, pick),
                fixed => manifest.dims.size(fixed).unwrap_or(1),
            };
            (*tensor, tensor.2.iter().map(size).collect())
        };
        let extremes = [Pick::Smallest, Pick::Largest]
            .map(|pick| inputs.iter().filter(|tensor| is_free(tensor)).map(|tensor| shape(tensor, pick)).collect());
        Form { outputs: manifest.contract_outputs(), inputs, buckets, defaults, device, extremes }
    }

    fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|tensor| tensor.0 == name)
    }
}

fn feed<'a>(tensor: &Tensor, shape: &[usize], numbers: &'a Numbers) -> Feed<'a> {
    match numbers {
        Numbers::F32(values) => Feed::f32(tensor.0, shape, values),
        Numbers::I64(values) => Feed::i64(tensor.0, shape, values),
    }
}

/// Whether a tensor has a dimension of free size. One that has none is not about a request: it stays from run to run.
fn is_free(tensor: &Tensor) -> bool {
    tensor.2.iter().any(|dim| matches!(dim, Dim::Free(_)))
}

/// One session's bindings.
pub(super) struct Device {
    form: Arc<Form>,
    binding: IoBinding,
    host: MemoryInfo<'static>,
    resident: Resident,
}

impl Device {
    /// Bindings of a session whose graph has no defaults.
    ///
    /// # Errors
    /// ONNX Runtime's message.
    pub(super) fn new(session: &Session, form: Arc<Form>) -> ort::Result<Device> {
        Ok(Device {
            binding: session.create_binding()?,
            host: MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?,
            resident: Resident::new(form.device.clone()),
            form,
        })
    }

    /// Runs the graph, and returns the outputs of these names.
    ///
    /// # Errors
    /// ONNX Runtime's message, or an output that is not finite.
    pub(super) fn run(
        &mut self,
        session: &mut Session,
        names: &[&'static str],
        feeds: &[Feed],
    ) -> Result<Vec<Output>, String> {
        // A binding keeps what it was given, and an input that the next request leaves out must not be the last one's.
        self.binding.clear();
        let found = self.run_bound(session, names, feeds);
        self.binding.clear();
        found
    }

    fn run_bound(
        &mut self,
        session: &mut Session,
        names: &[&'static str],
        feeds: &[Feed],
    ) -> Result<Vec<Output>, String> {
        let text = |error: ort::Error| error.to_string();
        let Device { form, binding, host, resident } = self;
        let mut sizes = Sizes::default();
        for feed in feeds {
            match form.input(feed.name).filter(|tensor| is_free(tensor)) {
                Some(tensor) => {
                    sizes.add(tensor, &feed.shape);
                    let (shape, numbers) = fill(feed, tensor, form.buckets);
                    // The binding sends it to where the graph wants it.
                    let value = in_host_memory(&shape, numbers).map_err(text)?;
                    binding.bind_input(feed.name, &value).map_err(text)?;
                }
                None => binding.bind_input(feed.name, resident.get(feed)?).map_err(text)?,
            }
        }
        for (name, value) in form.defaults.iter().filter(|(name, _)| feeds.iter().all(|feed| feed.name != name)) {
            binding.bind_input(name.as_str(), value).map_err(text)?;
        }
        for name in names {
            binding.bind_output_to_device(*name, host).map_err(text)?;
        }
        // Copies to and from the device may still be under way when a call returns.
        binding.synchronize_inputs().map_err(text)?;
        let outputs = session.run_binding(binding).map_err(text)?;
        binding.synchronize_outputs().map_err(text)?;
        let one = |name: &&'static str| {
            let output = copy(name, outputs.get(name).ok_or_else(|| format!("no output {name}"))?)?;
            let tensor = form.outputs.iter().find(|tensor| tensor.0 == *name);
            Ok(match tensor {
                Some(tensor) => cut(output, tensor, sizes),
                None => output,
            })
        };
        names.iter().map(one).collect()
    }

    /// Runs the smallest and the largest shapes once, on zeros: what a provider prepares for a shape is then ready before the
    /// first request, and TensorRT, when it has no ranges, has seen both ends.
    ///
    /// # Errors
    /// As [`Device::run`].
    pub(super) fn warm(&mut self, session: &mut Session, names: &[&'static str]) -> Result<(), String> {
        let form = Arc::clone(&self.form);
        for shapes in &form.extremes {
            let zeros = |(tensor, shape): &(Tensor, Vec<usize>)| {
                let values = shape.iter().product();
                match tensor.1 {
                    Kind::F32 => Numbers::F32(vec![0.0; values]),
                    Kind::I64 => Numbers::I64(vec![0; values]),
                }
            };
            let numbers: Vec<Numbers> = shapes.iter().map(zeros).collect();
            let feeds: Vec<Feed> =
                shapes.iter().zip(&numbers).map(|((tensor, shape), numbers)| feed(tensor, shape, numbers)).collect();
            self.run(session, names, &feeds)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.resident.len()
    }
}
