//! The steps of a change of a field, as callers take them and the writer gets them.

use std::sync::{Arc, Mutex};

use crate::api::field_change::{FieldChange, FieldChanged};
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::lock;

use super::prepared::PreparedItem;

/// A step of a change.
pub(super) struct Step {
    pub change: Arc<FieldChange>,
    /// The first item to look at; none to begin.
    pub from: Option<ItemKey>,
    pub done: Arc<Mutex<FieldChanged>>,
    /// What the step writes, once it is checked.
    pub planned: Planned,
}

/// The changed items of a step, and the item after those that it looks at.
#[derive(Default)]
pub(super) struct Planned {
    pub items: Vec<PreparedItem>,
    pub next: Option<ItemKey>,
    pub dropped: Vec<String>,
}

/// Where the next step begins, as the number that the writer answers; 0 after the last one.
pub(super) fn encoded(next: Option<ItemKey>) -> usize {
    next.map_or(0, |key| key.0 as usize + 1)
}

/// Takes the steps of a change, each by `step`, which answers as [`encoded`].
pub(super) fn run(change: FieldChange, mut step: impl FnMut(Step) -> Result<usize>) -> Result<FieldChanged> {
    let (change, done) = (Arc::new(change), Arc::new(Mutex::new(FieldChanged::default())));
    let mut take = |from| step(Step { change: change.clone(), from, done: done.clone(), planned: Planned::default() });
    take(None)?;
    let mut from = ItemKey(0);
    loop {
        match take(Some(from))? {
            0 => return Ok(std::mem::take(&mut lock(&done))),
            next => from = ItemKey(next as u64 - 1),
        }
    }
}
