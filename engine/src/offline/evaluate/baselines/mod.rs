//! The baselines: systems that are simple, known, and often hard to beat.
//!
//! Each learns event by event, so that it knows the past alone. The ones that search (BM25, vectors, their fusion) are made
//! from the engine's own candidates, beside `rank`.
//!
//! | file | what it does |
//! |---|---|
//! | `scorer` | what a baseline is, and how it becomes a subject |
//! | `chance`, `popular` | a random order; counts of all time, of the last days, with a half-life |
//! | `content` | neighbours of the last item, and of the mean of the history |
//! | `cooccurrence`, `covisit` | item-kNN and bought together; what came next |
//! | `ease`, `inverse` | EASE and the matrix inverse that it needs |
//! | `all` | the list of them |

mod all;
mod chance;
mod content;
mod cooccurrence;
mod covisit;
mod ease;
mod inverse;
mod popular;
mod scorer;

pub(super) use all::all;
