//! A graph whose inputs have no defaults, and the defaults beside it.
//!
//! A default is an initializer of the same name. TensorRT makes initializers part of its engine, which would then no longer
//! look at what is fed. So on a GPU the graph is opened without them, and a run feeds what it leaves out from here.

use std::ops::Range;

use crate::model::contract::{Kind, Tensor};
use crate::model::feed::Numbers;
use crate::model::manifest::Manifest;
use crate::model::scan::{Initializer, Scanned};
use crate::model::wire::{Field, Reader, varint};

/// `ModelProto.graph`, `GraphProto.initializer`, `TensorProto.name`.
const GRAPH: u64 = 7;
const INITIALIZER: u64 = 5;
const NAME: u64 = 8;

/// One default.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InputDefault {
    /// The input's name.
    pub name: String,
    /// The default's shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub numbers: Numbers,
}

/// The file without the initializers of its inputs.
///
/// # Errors
/// A sentence: what is malformed.
pub(super) fn without(onnx: &[u8], manifest: &Manifest) -> Result<Vec<u8>, String> {
    let names: Vec<&str> = names(manifest).map(|(name, _)| name).collect();
    rewrite(onnx, 0..onnx.len(), &|number, body, into| match number {
        GRAPH => {
            let graph = rewrite(onnx, body.clone(), &|number, body, _| {
                Ok(number == INITIALIZER && names.contains(&name(onnx, body.clone())?))
            })?;
            into.extend(varint(GRAPH << 3 | 2));
            into.extend(varint(graph.len() as u64));
            into.extend(graph);
            Ok(true)
        }
        _ => Ok(false),
    })
}

/// The defaults of the inputs, in the order of the manifest.
///
/// # Errors
/// The name of an input whose default is missing, or is not kept as plain bytes.
pub(super) fn defaults(onnx: &[u8], scanned: &Scanned, manifest: &Manifest) -> Result<Vec<InputDefault>, String> {
    let default = |(name, kind): (&str, Kind)| {
        let tensor = scanned.initializers.iter().find(|tensor| tensor.name == name);
        let read = tensor.and_then(|tensor| read(onnx, tensor, kind));
        let (shape, numbers) = read.ok_or_else(|| format!("input {name} has no default of plain bytes"))?;
        Ok(InputDefault { name: name.to_owned(), shape, numbers })
    };
    names(manifest).map(default).collect()
}

/// Every input that a run may feed.
fn names(manifest: &Manifest) -> impl Iterator<Item = (&str, Kind)> {
    let contract = manifest.contract_inputs().into_iter().map(|(name, kind, _): Tensor| (name, kind));
    contract.chain(manifest.lora.params.iter().map(|param| (param.name.as_str(), Kind::F32)))
}

fn read(onnx: &[u8], tensor: &Initializer, kind: Kind) -> Option<(Vec<usize>, Numbers)> {
    let raw = onnx.get(tensor.raw.clone())?;
    let shape: Vec<usize> = tensor.dims.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<_>>()?;
    let elements = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size))?;
    let numbers = match kind {
        Kind::F32 => Numbers::F32(raw.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()),
        Kind::I64 => Numbers::I64(raw.as_chunks::<8>().0.iter().map(|word| i64::from_le_bytes(*word)).collect()),
    };
    let width = if kind == Kind::F32 { 4 } else { 8 };
    (elements > 0 && elements.checked_mul(width) == Some(raw.len())).then_some((shape, numbers))
}

/// Whether it has dealt with a field, of this number and with these bytes, by what it wrote into the copy.
type Taken<'a> = dyn Fn(u64, &Range<usize>, &mut Vec<u8>) -> Result<bool, String> + 'a;

/// Copies the fields of a message that `taken` leaves.
fn rewrite(file: &[u8], message: Range<usize>, taken: &Taken<'_>) -> Result<Vec<u8>, String> {
    let mut reader = Reader::new(file, message);
    let mut copy = Vec::new();
    loop {
        let start = reader.at();
        let Some((number, field)) = reader.next()? else {
            return Ok(copy);
        };
        let dealt_with = match &field {
            Field::Bytes(body) => taken(number, body, &mut copy)?,
            _ => false,
        };
        if !dealt_with {
            copy.extend_from_slice(file.get(start..reader.at()).unwrap_or_default());
        }
    }
}

/// The name of a tensor; empty for one without.
fn name(file: &[u8], tensor: Range<usize>) -> Result<&str, String> {
    let mut reader = Reader::new(file, tensor);
    let mut name = "";
    while let Some((number, field)) = reader.next()? {
        if let (NAME, Field::Bytes(range)) = (number, field) {
            name = file.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        }
    }
    Ok(name)
}
