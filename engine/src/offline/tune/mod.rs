//! Calibrating: weights of the linear part that make what people did next likely, fitted to past requests.
//!
//! | file | what it does |
//! |---|---|
//! | `draw` | which past events become samples |
//! | `reservoir` | the same on the way through a log whose future is not known |
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
