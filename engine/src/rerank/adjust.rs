//! What is added to scores after the model: the penalty of `unlike`, and boosts and burials of rules.

use crate::api::candidate::Scored;
use crate::base::error::Result;
use crate::base::score::{best_first, on_grid};
use crate::store::snapshot::Snapshot;
use crate::understand::{Controls, Lift};
use crate::vector::dot_bytes;

/// What a candidate loses that is the same as an item of `unlike`: more than a close meaning is worth (about 0.4), less
/// than a match of every word (about 1). The negative part of Rocchio's feedback, on scores instead of the query's
/// vector, so that it works for every cell of the grid. Set by hand.
const UNLIKE_WEIGHT: f32 = 0.5;

/// Adjusts the scores, and sorts the list by them.
pub(super) fn adjust(snapshot: &Snapshot, controls: &Controls, list: &mut [Scored]) -> Result<()> {
    if controls.unlike.is_empty() && controls.lifts.is_empty() {
        return Ok(());
    }
    let space = snapshot.item_space();
    for scored in list.iter_mut() {
        if !controls.unlike.is_empty()
            && let Some(vector) = snapshot.catalog.view().vector(space, scored.candidate.key)?
        {
            let penalty = unlike(controls.unlike.iter().map(|away| dot_bytes(away, vector)));
            add(scored, "unlike", penalty);
        }
        lift(scored, &controls.lifts);
        scored.score = on_grid(scored.score);
    }
    list.sort_unstable_by(|a, b| best_first((a.candidate.key, a.score), (b.candidate.key, b.score)));
    Ok(())
}

/// The penalty by the best cosine; what points away from all of them loses nothing.
fn unlike(cosines: impl Iterator<Item = f32>) -> f32 {
    -UNLIKE_WEIGHT * cosines.fold(0.0, f32::max)
}

fn lift(scored: &mut Scored, lifts: &[Lift]) {
    let key = scored.candidate.key.0;
    for lift in lifts.iter().filter(|lift| lift.keys.contains(key)) {
        add(scored, if lift.amount < 0.0 { "bury" } else { "boost" }, lift.amount);
        scored.marks.rules.push(lift.label.clone());
    }
}

/// Adds an amount under a name; several of one name add up.
fn add(scored: &mut Scored, name: &'static str, amount: f32) {
    if amount == 0.0 {
        return;
    }
    scored.score += amount;
    let adjustments = &mut scored.marks.adjustments;
    match adjustments.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += amount,
        None => adjustments.push((name, amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_counts_and_the_opposite_does_not() {
        assert_eq!(unlike([0.25, 0.5].into_iter()), -0.25);
        assert_eq!(unlike([-0.5].into_iter()), 0.0);
        assert_eq!(unlike(std::iter::empty()), 0.0);
    }

    #[test]
    fn lifts_add_up_under_their_name() {
        let lift_of =
            |keys: &[u64], amount| Lift { label: format!("{amount}"), keys: keys.iter().copied().collect(), amount };
        let mut scored = super::super::select::tests::scored(7, 1.0);
        lift(&mut scored, &[lift_of(&[7], 0.5), lift_of(&[8], 9.0), lift_of(&[7, 8], 0.25), lift_of(&[7], -2.0)]);
        assert_eq!(scored.score, -0.25);
        assert_eq!(scored.marks.adjustments, [("boost", 0.75), ("bury", -2.0)]);
        assert_eq!(scored.marks.rules, ["0.5", "0.25", "-2"]);
    }
}
