//! Whether the loaded graph matches the manifest: operator set, codebook, signature.

use ort::session::Session;
use ort::value::{TensorElementType, ValueType};

use crate::model::contract::{Kind, Tensor};
use crate::model::files::{Files, sha256};
use crate::model::manifest::{Dims, Manifest, Refusal, describe, refuse};
use crate::model::scan::Scanned;

/// Compares what the scan found with the manifest.
pub(super) fn scanned(files: &Files, scanned: &Scanned) -> Result<(), Refusal> {
    let manifest = &files.manifest;
    if scanned.opset != manifest.opset {
        return refuse(format!("opset {}", manifest.opset), scanned.opset.to_string());
    }
    let mut codebooks = scanned.initializers.iter().filter(|tensor| tensor.name == "codebook");
    let (Some(codebook), None) = (codebooks.next(), codebooks.next()) else {
        return refuse("one initializer named codebook", "none, or several");
    };
    let found = files.onnx.get(codebook.raw.clone()).map(sha256).unwrap_or_default();
    if found != manifest.codebook_sha256 {
        return refuse(format!("a codebook with sha256 {}", manifest.codebook_sha256), found);
    }
    Ok(())
}

/// Compares names, types and shapes of the session with the contract. `fed`: the graph was opened without the defaults of
/// its inputs, as all of them are fed.
pub(super) fn signature(session: &Session, manifest: &Manifest, fed: bool) -> Result<(), Refusal> {
    let contract = manifest.contract_inputs();
    let is_known = |name: &str| {
        contract.iter().any(|tensor| tensor.0 == name) || manifest.lora.params.iter().any(|param| param.name == name)
    };
    // Every call leaves inputs out, so each must have a default; one without shows up as a plain input.
    if let Some(input) = session.inputs().iter().find(|input| !fed || !is_known(input.name())) {
        return refuse("defaults for all inputs", format!("none for input {}", input.name()));
    }
    let defaults = session.overridable_initializers();
    let found = |name: &str| match fed {
        true => session.inputs().iter().find(|input| input.name() == name).map(|input| input.dtype()),
        false => defaults.iter().find(|default| default.name() == name).map(|default| default.dtype()),
    };
    for tensor in &contract {
        check("input", tensor, found(tensor.0), &manifest.dims)?;
    }
    for tensor in &manifest.contract_outputs() {
        let found = session.outputs().iter().find(|output| output.name() == tensor.0).map(|output| output.dtype());
        check("output", tensor, found, &manifest.dims)?;
    }
    for param in &manifest.lora.params {
        let found = found(&param.name);
        let wanted = format!("input {} f32 {:?}", param.name, param.shape);
        let Some(ValueType::Tensor { ty, shape: sizes, .. }) = found else {
            return refuse(wanted, "no such tensor in the graph");
        };
        let same_shape = param.shape.iter().map(|size| *size as i64).eq(sizes.iter().copied());
        if *ty != TensorElementType::Float32 || !same_shape {
            return refuse(wanted, format!("{ty:?} {:?}", &sizes[..]).to_lowercase());
        }
    }
    Ok(())
}

fn check(what: &str, expected: &Tensor, found: Option<&ValueType>, dims: &Dims) -> Result<(), Refusal> {
    let (name, kind, shape) = expected;
    let wanted = format!("{what} {}", describe(name, *kind, shape, dims));
    let Some(ValueType::Tensor { ty, shape: sizes, .. }) = found else {
        return refuse(wanted, "no such tensor in the graph");
    };
    let same_type = match kind {
        Kind::F32 => *ty == TensorElementType::Float32,
        Kind::I64 => *ty == TensorElementType::Int64,
    };
    let same_shape = sizes.len() == shape.len()
        && shape.iter().zip(sizes.iter()).all(|(dim, size)| match dims.size(*dim) {
            Some(expected) => *size == expected as i64,
            // ONNX Runtime gives a free dimension as -1.
            None => *size < 0,
        });
    if same_type && same_shape {
        return Ok(());
    }
    refuse(wanted, format!("{ty:?} {:?}", &sizes[..]).to_lowercase())
}
