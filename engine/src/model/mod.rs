//! The one model: an ONNX graph that reads text, places items, reads histories and scores candidates.
//!
//! This is the only folder that knows ONNX Runtime and the tokenizers library; everything that leaves it is plain data.
//! Loading trusts nothing: the files are read once, hashed, scanned, compared with the manifest and the engine's own
//! contract, and have to reproduce the manifest's probe. A model that differs in any of it is refused.
//!
//! | file | what it does |
//! |---|---|
//! | `contract`, `manifest`, `manifest_checks` | what engine and model file agree on; what a model file declares about itself |
//! | `files`, `scan`, `wire`, `check` | reading the files with bounds, scanning the ONNX bytes, comparing them with the manifest |
//! | `discover`, `elf`, `runtime` | finding ONNX Runtime and loading it once per process |
//! | `feed`, `output`, `call` | inputs and outputs of a run, and which outputs a run reads |
//! | `buckets`, `pad` | the shapes a run on a device may have, and filling inputs up to them |
//! | `defaults`, `resident`, `device` | input defaults beside the graph, tensors kept on the device, runs bound to it |
//! | `provider_options`, `tensorrt`, `provider`, `fault`, `engines` | configuring CPU, CUDA and TensorRT; why one did not start; its engine cache |
//! | `slot`, `pool` | one session with its run options; all of them, lent out one run at a time |
//! | `shared` | one copy of a model for all stores of a process that are opened alike |
//! | `probe`, `shared_tensors`, `session` | the numeric probe; big tensors decoded once; opening sessions |
//! | `tokens`, `wordpiece` | text to token ids |
//! | `space` | the constants of a vector space |
//! | `loaded` | [`Model`]: loading it, its names and widths |
//! | `adapter`, `adapter_file` | LoRA adapters |
//! | `embed`, `context`, `history`, `score` | what a model computes: item vectors, context vectors, histories as tensors, scores |

mod adapter;
mod adapter_file;
mod buckets;
mod call;
mod check;
mod context;
mod contract;
mod defaults;
mod device;
mod discover;
mod elf;
mod embed;
mod engines;
mod fault;
mod feed;
mod files;
mod history;
mod loaded;
mod manifest;
mod manifest_checks;
mod output;
mod pad;
mod pool;
mod probe;
mod provider;
mod provider_options;
mod resident;
mod runtime;
mod scan;
mod score;
mod session;
mod shared;
mod shared_tensors;
mod slot;
mod space;
mod tensorrt;
mod tokens;
mod wire;
mod wordpiece;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use adapter::{Adapter, AdapterFiles};
pub(crate) use context::{Context, ContextInput};
pub(crate) use embed::ItemVectors;
pub(crate) use files::{About, Files};
pub(crate) use history::HistoryInput;
pub(crate) use loaded::Model;
pub(crate) use score::{ScoreInput, Scores};
pub(crate) use space::SpaceTensors;
