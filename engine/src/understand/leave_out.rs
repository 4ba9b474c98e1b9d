//! The same request without one item of its history: for explanations.

use std::collections::HashSet;
use std::sync::Arc;

use super::allowed::Allowed;
use super::controls::Controls;
use super::covisits::Relations;
use super::field_vectors;
use super::history::{in_visit, liked, past_events};
use super::understood::Understood;
use crate::api::event::Action;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;

impl Understood {
    /// The newest `most` items of the history, newest first, each with its last action.
    pub(crate) fn newest_items(&self, most: usize) -> Vec<(ItemKey, Action)> {
        let mut found: Vec<(ItemKey, Action)> = Vec::new();
        for (key, event) in &self.past {
            if found.len() == most {
                break;
            }
            if found.iter().all(|(known, _)| known != key) {
                found.push((*key, event.action.clone()));
            }
        }
        found
    }

    /// The request without all events of an item, as far as scores need it: what only retrieval and the order of the list
    /// ask for is empty.
    ///
    /// IMPORTANT: events, relations, own vectors and visit are made as [`Understood::read`] makes them, so that the score is the one that
    /// a history without the item would give. Beyond the events that are looked back on, none moves up.
    pub(crate) fn without(&self, snapshot: &Snapshot, item: ItemKey) -> Result<Understood> {
        let past: Vec<_> = self.past.iter().filter(|(key, _)| *key != item).cloned().collect();
        let liked = liked(snapshot, &past);
        Ok(Understood {
            now: self.now,
            person: self.person.clone(),
            has_query: self.has_query,
            query: self.query.clone(),
            context: self.context.clone(),
            events: past_events(snapshot, &past, self.now)?,
            relations: Relations::read(snapshot, if liked.is_empty() { &self.seeds } else { &liked }, self.now)?,
            segments: Arc::clone(&self.segments),
            liked: Vec::new(),
            interests: Vec::new(),
            seed_vector: None,
            vectors: match self.has_query {
                true => self.vectors.clone(),
                false => field_vectors::of_history(snapshot, &liked)?,
            },
            allowed: Allowed::All,
            among: self.among,
            filter: None,
            personalization: self.personalization,
            controls: Controls::default(),
            shown: Vec::new(),
            in_visit: in_visit(snapshot, &past, self.now),
            past,
            seeds: self.seeds.clone(),
            left_out: Some(item),
            exclude_seen: self.exclude_seen,
            excluded: HashSet::new(),
            recent: Arc::clone(&self.recent),
            stored: self.stored.clone(),
            degraded: Vec::new(),
            adapter: self.adapter.clone(),
        })
    }
}
