//! Collecting candidates: a table of sources, a plan that says how many from each, a merge by item.
//!
//! | file | what it does |
//! |---|---|
//! | `table` | the sources, one row each |
//! | `plan` | which sources a request asks, and for how many items |
//! | `lexical`, `nearest`, `related`, `lists`, `repeat`, `semantic_ids`, `explore` | finding items, one file for each kind of source |
//! | `found` | what a source answers |
//! | `collect`, `merge` | asking the sources, and one candidate for each item |

mod collect;
mod explore;
mod found;
mod lexical;
mod lists;
mod merge;
mod nearest;
mod plan;
mod related;
mod repeat;
mod semantic_ids;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use collect::retrieve;
