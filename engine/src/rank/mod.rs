//! Scoring: features once for every candidate, one run of the model for all.
//!
//! | file | what it does |
//! |---|---|
//! | `features`, `column`, `popularity` | the features that the engine fills in, by name |
//! | `score` | one run of the model over all candidates of a batch |
//! | `personal` | how much the history counts (`personalization`) |
//! | `leave_out` | the scores without each item of the history, for explanations |

mod column;
mod features;
mod leave_out;
mod personal;
mod popularity;
mod score;
#[cfg(test)]
mod tests;

pub(crate) use features::Features;
pub(crate) use leave_out::leave_out;
pub(crate) use score::{Question, score};
