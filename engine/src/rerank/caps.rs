//! Caps: at most so many hits of one value of a field.

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;
use crate::understand::NamedCap;

use super::groups::{Group, Grouped};

/// All caps of a request, and what the list holds so far.
pub(super) struct Caps<'c> {
    snapshot: &'c Snapshot<'c>,
    caps: &'c [NamedCap],
    counts: Vec<HashMap<Group, usize>>,
}

impl<'c> Caps<'c> {
    pub(super) fn new(snapshot: &'c Snapshot<'c>, caps: &'c [NamedCap]) -> Caps<'c> {
        Caps { snapshot, caps, counts: vec![HashMap::new(); caps.len()] }
    }

    /// Counts an item that stands in the list whatever the caps say.
    pub(super) fn count(&mut self, key: ItemKey) -> Result<()> {
        if !self.caps.is_empty() {
            let groups = self.groups(key)?;
            count(&mut self.counts, groups);
        }
        Ok(())
    }

    /// Counts an item if every cap has room for it; otherwise answers the cap that has not.
    pub(super) fn refuse(&mut self, key: ItemKey) -> Result<Option<&'c NamedCap>> {
        if self.caps.is_empty() {
            return Ok(None);
        }
        let groups = self.groups(key)?;
        let full = self.caps.iter().zip(&self.counts).zip(&groups).find(|((named, counts), groups)| {
            groups.iter().any(|group| counts.get(group).is_some_and(|count| *count >= named.cap.max))
        });
        if let Some(((named, _), _)) = full {
            return Ok(Some(named));
        }
        count(&mut self.counts, groups);
        Ok(None)
    }

    /// The item's groups by each cap's field.
    fn groups(&self, key: ItemKey) -> Result<Vec<Vec<Group>>> {
        let item = Grouped::read(self.snapshot, key)?;
        Ok(self.caps.iter().map(|named| item.by(&named.cap.field)).collect())
    }
}

fn count(counts: &mut [HashMap<Group, usize>], groups: Vec<Vec<Group>>) {
    for (counts, groups) in counts.iter_mut().zip(groups) {
        for group in groups {
            *counts.entry(group).or_default() += 1;
        }
    }
}
