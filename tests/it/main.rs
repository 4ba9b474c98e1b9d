//! The integration tests: one binary, so that the engine is linked once.

mod concurrency;
mod crash;
mod filters;
mod grid;
mod hostile;
mod layers;
mod recovery;
mod requests;
mod writes;
