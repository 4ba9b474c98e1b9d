//! Histories as tensors.

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_HISTORY;
use crate::model::contract::{HISTORY_SID, LEVELS};
use crate::model::feed::Feed;

/// One past event of a request, as the model reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistoryInput<'a> {
    /// The stored vector of the item (or of the past query): D values.
    pub vector: &'a [f32],
    /// The action's row, from `Model::action_row`.
    pub action: i64,
    /// Seconds from the event to the request; what lies in the future counts as now.
    pub gap_seconds: f64,
    /// The item's semantic id, where it has one.
    pub sid: Option<[u8; LEVELS]>,
}

/// A semantic id as the graph takes it: its codes, or -1 on every level where there is none.
pub(super) fn codes(sid: Option<[u8; LEVELS]>) -> [i64; LEVELS] {
    sid.map_or([-1; LEVELS], |sid| sid.map(i64::from))
}

/// The gap's row: its logarithm to the base of two, from 0 (now) to 31.
pub(super) fn gap_row(seconds: f64) -> i64 {
    // `max` turns NaN into 0, and the cast saturates: every number has a row.
    ((1.0 + seconds.max(0.0)).log2().floor() as i64).min(31)
}

/// Histories of several requests, padded on the left to the longest.
pub(super) struct Histories {
    rows: usize,
    longest: usize,
    width: usize,
    vectors: Vec<f32>,
    actions: Vec<i64>,
    gaps: Vec<i64>,
    mask: Vec<f32>,
    /// Empty when the graph takes none.
    sids: Vec<i64>,
}

/// What a graph takes of a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct HistoryForm {
    /// D: width of a vector.
    pub width: usize,
    /// A: action rows.
    pub actions: usize,
    /// Whether it takes semantic ids.
    pub sids: bool,
}

impl Histories {
    /// The newest [`MAX_HISTORY`] events of each row (newest last, as given); `None` when no row has any.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a vector of another width or an action row that does not exist;
    /// [`Error::NonFinite`] for a vector that is not finite.
    pub(super) fn new(rows: &[&[HistoryInput]], form: HistoryForm) -> Result<Option<Histories>> {
        let HistoryForm { width, actions, sids } = form;
        let newest = |row: &[HistoryInput]| row.len().min(MAX_HISTORY);
        let longest = rows.iter().map(|row| newest(row)).max().unwrap_or(0);
        if longest == 0 {
            return Ok(None);
        }
        let places = rows.len() * longest;
        let mut all = Histories {
            rows: rows.len(),
            longest,
            width,
            vectors: vec![0.0; places * width],
            actions: vec![0; places],
            gaps: vec![0; places],
            mask: vec![0.0; places],
            sids: vec![-1; if sids { places * LEVELS } else { 0 }],
        };
        for (index, row) in rows.iter().enumerate() {
            let kept = &row[row.len() - newest(row)..];
            let first = index * longest + longest - kept.len();
            for (place, event) in (first..).zip(kept) {
                check_vector("a history vector", event.vector, width)?;
                if !(0..actions as i64).contains(&event.action) {
                    let expected = format!("0 to {}", actions - 1);
                    return Err(Error::argument("action row", expected, event.action.to_string()));
                }
                all.vectors[place * width..(place + 1) * width].copy_from_slice(event.vector);
                all.actions[place] = event.action;
                all.gaps[place] = gap_row(event.gap_seconds);
                all.mask[place] = 1.0;
                if let Some(sid) = all.sids.get_mut(place * LEVELS..(place + 1) * LEVELS) {
                    sid.copy_from_slice(&codes(event.sid));
                }
            }
        }
        Ok(Some(all))
    }

    /// The four inputs, and the semantic ids for a graph that takes them.
    pub(super) fn feeds(&self) -> Vec<Feed<'_>> {
        let shape = [self.rows, self.longest];
        let mut feeds = vec![
            Feed::f32("history_vec", &[self.rows, self.longest, self.width], &self.vectors),
            Feed::i64("history_action", &shape, &self.actions),
            Feed::i64("history_gap", &shape, &self.gaps),
            Feed::f32("history_mask", &shape, &self.mask),
        ];
        if !self.sids.is_empty() {
            feeds.push(Feed::i64(HISTORY_SID, &[self.rows, self.longest, LEVELS], &self.sids));
        }
        feeds
    }
}

/// Refuses a vector of another width, or one that is not finite: the graph would pass it on as a score.
pub(super) fn check_vector(what: &str, vector: &[f32], width: usize) -> Result<()> {
    if vector.len() != width {
        return Err(Error::argument(what, format!("{width} values"), vector.len().to_string()));
    }
    crate::base::score::check_finite(what, vector)
}

#[cfg(test)]
mod tests {
    use super::gap_row;

    #[test]
    fn every_gap_has_a_row() {
        let rows: Vec<i64> = [0.0, 0.9, 1.0, 3.0, 86_400.0, 1e9, f64::INFINITY, -5.0, f64::NAN].map(gap_row).to_vec();
        assert_eq!(rows, [0, 0, 1, 2, 16, 29, 31, 0, 0]);
    }
}
