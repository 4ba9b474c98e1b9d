//! Adapters: low-rank tensors that specialise the one model for a domain, chosen for each request.
//!
//! The method is LoRA (Hu and others, 2021), the file is that of ONNX Runtime's adapters: its tensors are inputs of the graph
//! whose defaults are zeros. They are fed like any other input, which is what ONNX Runtime does with an adapter that the
//! options of a run name; `ort`'s handle of one cannot be shared between threads. They may change context and scores. They
//! must not change item vectors, because stored vectors would go stale; a trial run checks that.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::error::Result;
use crate::model::adapter_file::{Param, params};
use crate::model::call::Call;
use crate::model::feed::Feed;
use crate::model::files::{bounded, refused, sha256};
use crate::model::loaded::Model;
use crate::model::manifest::{LoraParam, Refusal, refuse};
use crate::model::output::failed;
use crate::model::probe;

/// Largest adapter file, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Largest description, in bytes.
const MAX_DESCRIPTION: u64 = 1 << 20;
/// Version of the description that this engine reads.
const FORMAT: u32 = 1;
/// Names of the two files, in the folder that is loaded and in a store.
const FILE: &str = "adapter.onnx_adapter";
const DESCRIPTION: &str = "adapter.json";
/// Outputs of the probe that no adapter moves.
const UNMOVED: [&str; 3] = ["text_emb", "item_vec", "item_sid"];
/// A larger difference is not the rounding of `f32`.
const ROUNDING: f32 = 1e-6;

/// The JSON file beside an adapter; unknown fields are ignored.
#[derive(Debug, Clone, Deserialize)]
struct Description {
    format: u32,
    model: MadeFor,
    /// SHA-256 of the adapter's file, in hex: ONNX Runtime takes some files that were cut off.
    sha256: String,
}

/// The model that an adapter was made for.
#[derive(Debug, Clone, Deserialize)]
struct MadeFor {
    /// SHA-256 of its ONNX file, in hex.
    sha256: String,
}

/// An adapter's files in memory.
pub(crate) struct AdapterFiles {
    path: PathBuf,
    bytes: Vec<u8>,
    description: Vec<u8>,
    base: String,
    sha256: String,
}

impl AdapterFiles {
    /// Reads `adapter.onnx_adapter` and `adapter.json` from a folder, and compares the hash.
    ///
    /// # Errors
    /// [`crate::Error::ModelRefused`].
    pub(crate) fn read(folder: &Path) -> Result<AdapterFiles> {
        read(folder).map_err(refused(folder))
    }

    /// A name for both files.
    pub(crate) fn id(&self) -> String {
        sha256(format!("{} {}", self.sha256, sha256(&self.description)).as_bytes())
    }

    /// SHA-256 of the adapter's file, in hex.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// SHA-256 of the ONNX file that it was made for, in hex.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Bytes of the adapter's file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Names and bytes of the files, as a store keeps them.
    pub(crate) fn contents(&self) -> [(&str, &[u8]); 2] {
        [(FILE, &self.bytes), (DESCRIPTION, &self.description)]
    }
}

fn read(folder: &Path) -> std::result::Result<AdapterFiles, Refusal> {
    let description = bounded(&folder.join(DESCRIPTION), MAX_DESCRIPTION)?;
    let bytes = bounded(&folder.join(FILE), MAX_BYTES)?;
    let malformed =
        |error: serde_json::Error| ("an adapter.json with format, model and sha256".to_owned(), error.to_string());
    let Description { format, model, sha256: expected } = serde_json::from_slice(&description).map_err(malformed)?;
    if format != FORMAT {
        return refuse(format!("adapter format {FORMAT}"), format.to_string());
    }
    let found = sha256(&bytes);
    if found != expected {
        return refuse(format!("an adapter with sha256 {expected}"), found);
    }
    Ok(AdapterFiles { path: folder.to_path_buf(), bytes, description, base: model.sha256, sha256: found })
}

/// Tensors that fit a model.
#[derive(Debug)]
pub(crate) struct Adapter(Vec<Param>);

impl Adapter {
    /// The inputs that a run with the adapter is fed besides.
    pub(super) fn feeds(&self) -> impl Iterator<Item = Feed<'_>> {
        self.0.iter().map(|param| Feed::f32(&param.name, &param.shape, &param.values))
    }
}

impl Model {
    /// Checks an adapter and makes it ready: the model it was made for, names, shapes and values of its tensors, and a
    /// trial run, in which items must stay where they are.
    ///
    /// # Errors
    /// [`Error::ModelRefused`].
    pub(crate) fn adapter(&self, files: &AdapterFiles) -> Result<Adapter> {
        let refused = refused(&files.path);
        if files.base != self.stats.sha256 {
            let expected = format!("an adapter for the active model ({} {})", self.stats.name, self.stats.sha256);
            return Err(refused((expected, format!("one for {}", files.base))));
        }
        let adapter = Adapter(self.tensors(files).map_err(&refused)?);
        self.try_adapter(&adapter)?.map_err(&refused)?;
        Ok(adapter)
    }

    /// The tensors of a file, compared with those that the manifest lists.
    fn tensors(&self, files: &AdapterFiles) -> std::result::Result<Vec<Param>, Refusal> {
        let wanted = &self.manifest.lora.params;
        if wanted.is_empty() {
            return refuse("a model that takes adapters (`lora` in its manifest)", "one that takes none");
        }
        let listed = |all: Vec<String>| all.join(", ");
        let tensors = listed(wanted.iter().map(|param| format!("{} {:?}", param.name, param.shape)).collect());
        let malformed = |found: String| (format!("an adapter with {tensors}"), found);
        let found = params(&files.bytes, wanted.len()).map_err(malformed)?;
        if let Some(param) = found.iter().find(|param| param.values.iter().any(|value| !value.is_finite())) {
            return refuse("finite numbers", format!("others in {}", param.name));
        }
        let has = |param: &LoraParam| found.iter().any(|one| one.name == param.name && one.shape == param.shape);
        if found.len() != wanted.len() || !wanted.iter().all(has) {
            let found = found.iter().map(|param| format!("{} {:?}", param.name, param.shape));
            return Err(malformed(listed(found.collect())));
        }
        Ok(found)
    }

    /// Runs the probe's inputs with the adapter and without it.
    fn try_adapter(&self, adapter: &Adapter) -> Result<std::result::Result<(), Refusal>> {
        self.pool.with(|slot| {
            let plain = probe::run_inputs(slot, &self.manifest, &[]);
            let plain = plain.map_err(|(_, reason)| failed(reason))?;
            let feeds: Vec<Feed> = adapter.feeds().collect();
            let adapted = match probe::run_inputs(slot, &self.manifest, &feeds) {
                Ok(adapted) => adapted,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for ((name, plain), adapted) in slot.outputs(Call::Probe).iter().zip(&plain).zip(&adapted) {
                let near = plain.floats.iter().zip(&adapted.floats).all(|(a, b)| (a - b).abs() <= ROUNDING);
                if UNMOVED.contains(name) && !(near && plain.integers == adapted.integers) {
                    return Ok(refuse(format!("{name} as without the adapter: stored vectors stay"), "another"));
                }
            }
            Ok(Ok(()))
        })
    }
}
