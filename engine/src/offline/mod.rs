//! Work that replays a log: measuring, tuning, training files, and two models side by side.
//!
//! | file | what it does |
//! |---|---|
//! | `scratch` | a copy of a store in a directory of its own, without events |
//! | `store_log`, `past_requests` | the log of a store as plain data; its events as requests and samples |
//! | `replay` | a copy that follows the log, and is asked at any place of it |
//! | `evaluation`, `systems`, `lists`, `rolling`, `evaluate/` | `evaluate`: the engine as what is measured, its answers read in several ways, tuning on the way, figures and reports |
//! | `tuning`, `tuner`, `tune/` | tuning: samples of past requests, the background thread, fitting the weights |
//! | `training_rows`, `export/` | `export_training`: past requests as rows of a Parquet file |
//! | `transfer/` | `export` and `import_from`: the whole store as files |
//! | `shadow` | two models asked the same requests |

mod evaluate;
pub(crate) mod evaluation;
mod export;
mod lists;
mod past_requests;
mod replay;
mod rolling;
mod scratch;
pub(crate) mod shadow;
mod store_log;
mod systems;
pub(crate) mod training_rows;
pub(crate) mod transfer;
mod tune;
mod tuner;
pub(crate) mod tuning;

#[cfg(test)]
pub(crate) use scratch::Scratch;
pub(crate) use scratch::clear_scratch;
pub(crate) use tuner::Tuner;
