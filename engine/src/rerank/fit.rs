//! How well the content of an item fits a request: all that is known of an item without events.

use crate::api::config::Meaning;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;
use crate::understand::Understood;
use crate::vector::dot_bytes;

/// What is left of an event's part in the mean of the history with each event after it.
const STEP: f32 = 0.8;

/// What items are held against. Cosines are of the model's item vectors.
pub(super) enum Fit<'i> {
    /// The query's vector: the fit is the cosine with it.
    Query(&'i [f32]),
    /// Of what the history speaks for, newest first, and its mean by recency: the fit is half the cosine with the last,
    /// a quarter of the best, and a quarter of that with the mean.
    History { events: Vec<&'i [f32]>, mean: Vec<f32> },
}

impl<'i> Fit<'i> {
    /// `None` for a request that says nothing of what is wanted.
    pub(super) fn of(understood: &'i Understood) -> Option<Fit<'i>> {
        if understood.has_query {
            return understood.context.query.as_deref().map(Fit::Query);
        }
        let speaks = understood.events.iter().rev().filter(|event| event.meaning == Meaning::Positive);
        let events: Vec<&[f32]> =
            speaks.map(|event| event.vector.as_slice()).filter(|v| v.iter().any(|x| *x != 0.0)).collect();
        let mut mean = vec![0.0; events.first()?.len()];
        let mut part = 1.0;
        for event in &events {
            mean.iter_mut().zip(*event).for_each(|(sum, x)| *sum += part * x);
            part *= STEP;
        }
        let norm = mean.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        mean.iter_mut().for_each(|x| *x /= norm);
        Some(Fit::History { events, mean })
    }

    /// The fit of an item, -1 to 1; `None` for one without content.
    pub(super) fn with(&self, snapshot: &Snapshot, key: ItemKey) -> Result<Option<f64>> {
        let Some(item) = snapshot.catalog.view().vector(snapshot.item_space(), key)? else { return Ok(None) };
        Ok(Some(f64::from(match self {
            Fit::Query(query) => dot_bytes(query, item),
            Fit::History { events, mean } => {
                blend(events.iter().map(|event| dot_bytes(event, item)), dot_bytes(mean, item))
            }
        })))
    }

    /// Whether it is the history that items are held against.
    pub(super) fn is_by_history(&self) -> bool {
        matches!(self, Fit::History { .. })
    }
}

/// Of the cosines with each event, newest first, and the one with their mean. The shares were chosen among six on hidden
/// items of a shop, on its validation half (decision 0021).
fn blend(mut events: impl Iterator<Item = f32>, mean: f32) -> f32 {
    let last = events.next().unwrap_or_default();
    0.5 * last + 0.25 * events.fold(last, f32::max) + 0.25 * mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_counts_most_and_the_best_once_more() {
        assert_eq!(blend([0.5, 0.25].into_iter(), 0.5), 0.5);
        assert_eq!(blend([0.0, 1.0].into_iter(), 0.5), 0.375);
        assert!(blend([1.0, 0.0].into_iter(), 0.5) > blend([0.0, 1.0].into_iter(), 0.5));
    }
}
