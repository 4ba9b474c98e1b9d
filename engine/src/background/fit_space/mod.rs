//! Fitting the vector space of items to the catalog, and moving every item into another space while requests go on.
//!
//! | file | what it does |
//! |---|---|
//! | `sample` | the content vectors that a fit reads |
//! | `whitening`, `eigen` | mean and projection of content vectors |
//! | `codebook` | centres of the semantic ids |
//! | `generation` | vectors, codes and graph of the new space beside the current ones |
//! | `flip` | the commit that makes another space current |
//! | `old_space` | deleting the space before the last flip |
//! | `fit` | when a fit is due, and all of it step by step |
//! | `sids` | semantic ids for the items of an older store |

mod codebook;
mod eigen;
mod fit;
mod flip;
mod generation;
mod old_space;
mod sample;
mod sids;
mod whitening;

pub(crate) use fit::{fit_if_due, fit_space};
pub(crate) use flip::adopt;
pub(crate) use generation::move_to;
pub(crate) use old_space::remove_old;
pub(crate) use sids::fill_sids;
