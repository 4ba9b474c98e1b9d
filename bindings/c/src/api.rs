//! The exported functions, a file for each group; `build.rs` has their order in the header. Each is the same three steps:
//! take the arguments, call the engine, hand over the answer. The comments become those of the header, so they are written
//! for a C programmer.

mod keeping;
mod learning;
mod library;
mod lists;
mod models;
mod store;
