//! The manifest's numeric probe: fixed inputs, and the outputs that they must give.
//!
//! It catches what no signature shows: a graph that was exported with other constants than its manifest declares, and an
//! ONNX Runtime or provider that computes something else.

use serde_json::Value;

use crate::model::call::Call;
use crate::model::contract::{Kind, Tensor};
use crate::model::feed::Feed;
use crate::model::manifest::{Manifest, Refusal, describe, refuse};
use crate::model::output::Output;
use crate::model::slot::Slot;

/// A tensor out of nested lists.
pub(super) struct Listed {
    pub(super) name: &'static str,
    kind: Kind,
    pub(super) shape: Vec<usize>,
    pub(super) floats: Vec<f32>,
    integers: Vec<i64>,
}

impl Listed {
    /// As an input of a run.
    pub(super) fn feed(&self) -> Feed<'_> {
        match self.kind {
            Kind::F32 => Feed::f32(self.name, &self.shape, &self.floats),
            Kind::I64 => Feed::i64(self.name, &self.shape, &self.integers),
        }
    }
}

/// Runs the probe and compares every output that it lists. `tolerance`: the largest difference that is taken.
pub(super) fn run(slot: &mut Slot, manifest: &Manifest, tolerance: f64) -> Result<(), Refusal> {
    let probe = &manifest.probe;
    let (expected, outputs) = (manifest.contract_outputs(), run_inputs(slot, manifest, &[])?);
    for (name, output) in slot.outputs(Call::Probe).iter().zip(&outputs) {
        let Some(value) = probe.outputs.get(*name) else {
            return refuse(format!("a probe with output {name}"), "none");
        };
        let expected = listed(&expected, name, value, manifest)?;
        compare(&expected, output, tolerance as f32)?;
    }
    Ok(())
}

/// The outputs of the probe's inputs; `adapter`: the tensors of an adapter, fed with them.
pub(super) fn run_inputs(slot: &mut Slot, manifest: &Manifest, adapter: &[Feed<'_>]) -> Result<Vec<Output>, Refusal> {
    let contract = manifest.contract_inputs();
    let listed = |(name, value): (&String, &Value)| listed(&contract, name, value, manifest);
    let inputs = manifest.probe.inputs.iter().map(listed).collect::<Result<Vec<Listed>, Refusal>>()?;
    let feeds: Vec<Feed> = inputs.iter().map(Listed::feed).chain(adapter.iter().cloned()).collect();
    slot.run(Call::Probe, &feeds).map_err(|error| ("a probe that runs".to_owned(), error.to_string()))
}

/// Compares one output with what it should be.
pub(super) fn compare(expected: &Listed, found: &Output, tolerance: f32) -> Result<(), Refusal> {
    let name = expected.name;
    if expected.shape != found.shape {
        return refuse(format!("{name} of shape {:?}", expected.shape), format!("{:?}", found.shape));
    }
    if expected.integers != found.integers {
        return refuse(format!("{name} as in the probe"), "other codes");
    }
    let differs = |pair: &(usize, (&f32, &f32))| (pair.1.0 - pair.1.1).abs() > tolerance;
    match expected.floats.iter().zip(&found.floats).enumerate().find(differs) {
        Some((index, (expected, found))) => {
            refuse(format!("{name}[{index}] = {expected} (tolerance {tolerance})"), found.to_string())
        }
        None if expected.floats.len() != found.floats.len() => refuse(format!("{name} in floats"), "integers"),
        None => Ok(()),
    }
}

/// Reads nested lists as the tensor that the contract has under this name.
pub(super) fn listed(contract: &[Tensor], name: &str, value: &Value, manifest: &Manifest) -> Result<Listed, Refusal> {
    let Some((name, kind, dims)) = contract.iter().find(|(known, _, _)| *known == name) else {
        return refuse("a probe of known tensors", format!("`{name}`"));
    };
    let wanted = format!("a probe with {}", describe(name, *kind, dims, &manifest.dims));
    let mut listed = Listed { name, kind: *kind, shape: Vec::new(), floats: Vec::new(), integers: Vec::new() };
    let mut first = value;
    for dim in dims.iter() {
        let size = first.as_array().map_or(0, Vec::len);
        if size == 0 || manifest.dims.size(*dim).is_some_and(|fixed| fixed != size) {
            return refuse(wanted, format!("{size} entries"));
        }
        listed.shape.push(size);
        first = &first[0];
    }
    match flatten(value, 0, &mut listed) {
        true => Ok(listed),
        false => refuse(wanted, "lists of uneven length, or entries that are no numbers"),
    }
}

/// Appends the numbers of one list; the depth is bounded by the rank.
fn flatten(value: &Value, depth: usize, into: &mut Listed) -> bool {
    match (into.shape.get(depth).copied(), into.kind) {
        (Some(size), _) => value
            .as_array()
            .is_some_and(|list| list.len() == size && list.iter().all(|entry| flatten(entry, depth + 1, into))),
        (None, Kind::F32) => value.as_f64().is_some_and(|number| {
            into.floats.push(number as f32);
            (number as f32).is_finite()
        }),
        (None, Kind::I64) => value.as_i64().is_some_and(|number| {
            into.integers.push(number);
            true
        }),
    }
}
