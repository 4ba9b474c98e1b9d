//! Tuning: fitting the weights of the linear part to past requests, so that the items that users chose next become likely.
//!
//! | file | what it does |
//! |---|---|
//! | `draw` | which past events become samples |
//! | `reservoir` | the same while the log is replayed, when its future is not known |
//! | `sample` | one past request: the features of its candidates, and which of them was taken |
//! | `fit` | listwise softmax by Newton's method, pulled towards the weights before |
//! | `choose` | fit on the earlier samples, keep if better on the later ones |

mod choose;
mod draw;
mod fit;
mod reservoir;
mod sample;

pub(crate) use choose::choose;
pub(crate) use draw::{Draw, Past, draw, spread};
pub(crate) use reservoir::{Drawn, Reservoir};
pub(crate) use sample::Sample;
