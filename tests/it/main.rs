//! The integration tests: one binary, so that the engine is linked once.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that meets something unexpected fails")]

mod adapters;
mod concurrency;
mod controls;
mod crash;
mod damaged_vectors;
mod deleting;
mod evaluate;
mod event_checks;
mod explain;
mod fields;
mod filters;
mod fixtures;
mod foreign;
mod full_disk;
mod grid;
mod hostile;
mod late_events;
mod layers;
mod model_crash;
mod models;
mod moves;
mod own_vectors;
mod pages;
mod processes;
mod recovery;
mod reopening;
mod requests;
mod retention;
mod rules;
mod segments;
mod shown;
mod sids;
mod signals;
mod space;
mod steady;
mod stopping;
mod stored_events;
mod training;
mod transfer;
mod tune;
mod upkeep;
mod users;
mod values;
mod writes;
