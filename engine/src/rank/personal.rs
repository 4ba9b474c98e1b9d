//! How much the history counts: the parts of a score that come from it, scaled.

use crate::api::controls::Personalization;
use crate::model::{Model, Scores};
use crate::understand::Understood;

/// Whether the model's scores are not what the request wants. Without a history every level is the same, and so is `off`,
/// which has none.
pub(super) fn is_scaled(understood: &Understood) -> bool {
    matches!(understood.personalization, Personalization::Low | Personalization::High) && !understood.events.is_empty()
}

/// Multiplies what the history adds to each score, which is the same as multiplying its weights: a score is the sum of
/// its contributions. They have to be there; they are dropped again unless they are `wanted`.
pub(super) fn scale(model: &Model, understood: &Understood, wanted: bool, scores: &mut Scores) {
    if !is_scaled(understood) {
        return;
    }
    // Without a query, the vectors of the catalog's own fields are the history's.
    let personal = model.personal_features(!understood.has_query);
    scale_columns(&personal, understood.personalization.scale(), scores);
    if !wanted {
        scores.contributions = Vec::new();
    }
}

fn scale_columns(personal: &[bool], scale: f32, scores: &mut Scores) {
    let rows = scores.contributions.chunks_exact_mut(personal.len().max(1));
    for (row, score) in rows.zip(&mut scores.scores) {
        for (part, _) in row.iter_mut().zip(personal).filter(|(_, personal)| **personal) {
            *score += *part * (scale - 1.0);
            *part *= scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_history_adds_is_scaled() {
        let mut scores = Scores { scores: vec![3.5, 1.0], contributions: vec![1.0, 2.0, 0.5, 0.0, 1.0, 0.0] };
        scale_columns(&[false, true, false], 0.5, &mut scores);
        assert_eq!(scores.scores, [2.5, 0.5]);
        assert_eq!(scores.contributions, [1.0, 1.0, 0.5, 0.0, 0.5, 0.0]);
    }
}
