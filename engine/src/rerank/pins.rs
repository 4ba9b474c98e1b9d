//! Pins: items that a rule gives a position.

use crate::api::candidate::Scored;
use crate::api::ranking::Moved;
use crate::understand::Pin;

/// Takes the pinned items out of a list that is best first; they come in the order of their pins.
pub(super) fn take(pins: &[Pin], list: Vec<Scored>) -> (Vec<(usize, Scored)>, Vec<Scored>) {
    if pins.is_empty() {
        return (Vec::new(), list);
    }
    let mut pinned: Vec<Option<Scored>> = vec![None; pins.len()];
    let mut rest = Vec::with_capacity(list.len());
    for (place, mut scored) in list.into_iter().enumerate() {
        let pin = pins.iter().zip(&mut pinned).find(|(pin, _)| pin.key == scored.candidate.key);
        let Some((pin, slot)) = pin else {
            rest.push(scored);
            continue;
        };
        scored.marks.rules.push(pin.label.clone());
        scored.marks.moved = Some(Moved { from: place + 1, by: "pin".to_owned() });
        scored.marks.fixed = true;
        *slot = Some(scored);
    }
    let pinned = pins.iter().zip(pinned).filter_map(|(pin, scored)| Some((pin.position, scored?)));
    (pinned.collect(), rest)
}

/// Puts the pinned items where they belong in a list that begins after `shown` items of earlier pages. Of two that want
/// one position, the later pin stands behind the earlier; a position that has gone by is the first there is.
pub(super) fn place(mut pinned: Vec<(usize, Scored)>, shown: usize, list: &mut Vec<Scored>) {
    pinned.sort_by_key(|(position, _)| *position);
    let mut free = 0;
    for (position, scored) in pinned {
        let at = (position - 1).saturating_sub(shown).max(free).min(list.len());
        list.insert(at, scored);
        free = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::select::tests::{keys, scored};
    use super::*;
    use crate::base::id::ItemKey;

    fn pinned(pins: &[(u64, usize)], shown: usize) -> Vec<u64> {
        let pin =
            |(key, position): &(u64, usize)| Pin { label: String::new(), key: ItemKey(*key), position: *position };
        let pins: Vec<Pin> = pins.iter().map(pin).collect();
        let (pinned, mut list) = take(&pins, (0..6).map(|key| scored(key, 1.0 - key as f32)).collect());
        place(pinned, shown, &mut list);
        keys(&list)
    }

    #[test]
    fn pinned_items_stand_where_they_are_pinned() {
        assert_eq!(pinned(&[], 0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(pinned(&[(4, 1)], 0), [4, 0, 1, 2, 3, 5]);
        assert_eq!(pinned(&[(0, 6), (5, 2)], 0), [1, 5, 2, 3, 4, 0]);
        assert_eq!(pinned(&[(5, 2), (3, 2)], 0), [0, 5, 3, 1, 2, 4], "the first pin wins");
        assert_eq!(pinned(&[(0, 100)], 0), [1, 2, 3, 4, 5, 0], "the list is shorter");
        assert_eq!(pinned(&[(9, 1)], 0), [0, 1, 2, 3, 4, 5], "no candidate");
    }

    #[test]
    fn positions_count_from_the_first_page() {
        assert_eq!(pinned(&[(5, 12)], 10), [0, 5, 1, 2, 3, 4]);
        assert_eq!(pinned(&[(5, 3)], 10), [5, 0, 1, 2, 3, 4], "its position has gone by");
    }
}
