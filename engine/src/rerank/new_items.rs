//! Places for new items: a share of the page, in its lower half, that they get whatever their scores, the likelier the
//! better their content fits and the less they were shown.

use crate::api::candidate::Scored;
use crate::api::exploration::NewItems;
use crate::api::ranking::Moved;
use crate::base::error::Result;
use crate::base::random::{Draws, race};
use crate::store::snapshot::Snapshot;
use crate::understand::RequestCx;

use super::fit::Fit;

/// Scores or fits within this of the best new item are about as good as it is.
const NEAR: f64 = 0.03;

/// The purposes of draws.
const ROUND: u64 = 11;
const PLACE: u64 = 12;
const RACE: u64 = 13;

/// Sees to it that the page, `list[offset..offset + limit]`, has its share of new items. Those that are on it by their
/// scores count; what is missing comes from further down the list and takes places of the lower half that are drawn, and
/// the last hits that are not new make room for it.
pub(super) fn admit(cx: RequestCx, new_items: &NewItems, draws: Draws, list: &mut Vec<Scored>) -> Result<()> {
    let (offset, limit) = (cx.request.offset, cx.request.limit);
    let end = list.len().min(offset.saturating_add(limit));
    let start = offset.min(end);
    for scored in &mut list[start..end] {
        scored.marks.new = cx.understood.shown_if_new(cx.snapshot, scored.candidate.key)?.is_some();
    }
    let page = &list[start..end];
    let wanted = rounded(new_items.share * page.len() as f64, draws);
    let missing = wanted.saturating_sub(page.iter().filter(|scored| scored.marks.new).count());
    let free = page.iter().filter(|scored| !scored.marks.new && !scored.marks.fixed).count();
    if missing.min(free) == 0 {
        return Ok(());
    }
    let new_hits = drawn(cx, (new_items.least_fit, draws), list, end, missing.min(free))?;
    let later = list.split_off(end);
    let page = list.split_off(start);
    let (page, out) = place(page, new_hits, draws);
    list.extend(page.into_iter().chain(out).chain(later));
    Ok(())
}

/// Down or up at random, so that the mean is exact.
fn rounded(wanted: f64, draws: Draws) -> usize {
    wanted.floor() as usize + usize::from(draws.unit(ROUND, 0) < wanted.fract())
}

/// Takes new items out of what comes after the page, each the likelier the better it is and the less it was shown. Not
/// simply those that were shown least: counts are a second late, and one item would be shown to all users until they are
/// not.
fn drawn(
    cx: RequestCx,
    (least_fit, draws): (Option<f64>, Draws),
    list: &mut Vec<Scored>,
    end: usize,
    most: usize,
) -> Result<Vec<Scored>> {
    let fit = Fit::of(cx.understood);
    let mut found = Vec::new();
    for (at, scored) in list.iter().enumerate().skip(end).filter(|(_, scored)| !scored.marks.fixed) {
        let key = scored.candidate.key;
        if let Some(shown) = cx.understood.shown_if_new(cx.snapshot, key)?
            && let Some(merit) = merit(cx.snapshot, fit.as_ref(), least_fit, scored)?
        {
            found.push((at, key.0, merit, shown));
        }
    }
    let best = found.iter().map(|(_, _, merit, _)| *merit).fold(f64::NEG_INFINITY, f64::max);
    let weight = |merit: f64, shown: f64| (((merit - best) / NEAR).exp() / (1.0 + shown)).max(f64::MIN_POSITIVE);
    let race = |(at, key, merit, shown)| (at, race(draws.unit(RACE, key), weight(merit, shown)));
    let mut found: Vec<(usize, f64)> = found.into_iter().map(race).collect();
    found.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    found.truncate(most);
    // From the back, so that the places of the others stay as they are.
    found.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
    Ok(found.into_iter().map(|(at, _)| admitted(list.remove(at), at)).collect())
}

/// What new items compete by: after a history the fit of their content, because the weights of a score are those of items
/// that have a past; else the score. `None` for one that fits less than it has to.
fn merit(snapshot: &Snapshot, fit: Option<&Fit>, least_fit: Option<f64>, scored: &Scored) -> Result<Option<f64>> {
    let score = f64::from(scored.score);
    let by_history = fit.is_some_and(Fit::is_by_history);
    if least_fit.is_none() && !by_history {
        return Ok(Some(score));
    }
    let fit = fit.map_or(Ok(None), |fit| fit.with(snapshot, scored.candidate.key))?;
    if least_fit.is_some_and(|least| fit.is_none_or(|fit| fit < least)) {
        return Ok(None);
    }
    // Without content, an item is as far from everything as one can be.
    Ok(Some(if by_history { fit.unwrap_or(-1.0) } else { score }))
}

fn admitted(mut scored: Scored, at: usize) -> Scored {
    scored.marks.new = true;
    scored.marks.fixed = true;
    scored.marks.propensity = None;
    scored.marks.moved = Some(Moved { from: at + 1, by: "new items".to_owned() });
    scored
}

/// The page with the new hits at drawn places of its lower half, and the hits that made room. What is fixed stays where it is, and of the
/// others the order.
fn place(page: Vec<Scored>, new_hits: Vec<Scored>, draws: Draws) -> (Vec<Scored>, Vec<Scored>) {
    let size = page.len();
    let mut slots: Vec<Option<Scored>> = Vec::with_capacity(size);
    let mut others = Vec::new();
    for scored in page {
        if scored.marks.fixed {
            slots.push(Some(scored));
        } else {
            slots.push(None);
            others.push(scored);
        }
    }
    let mut out = Vec::new();
    while out.len() < new_hits.len()
        && let Some(last) = others.iter().rposition(|scored| !scored.marks.new)
    {
        out.push(others.remove(last));
    }
    out.reverse();
    let mut free: Vec<usize> = (0..size).filter(|at| slots[*at].is_none()).collect();
    // The upper half is where most of what a page earns is earned: new_hits keep to the lower one while it has room.
    let lower = free.partition_point(|at| *at < size / 2).min(free.len().saturating_sub(new_hits.len()));
    free.drain(..lower);
    for (n, scored) in new_hits.into_iter().enumerate() {
        let drawn = (draws.unit(PLACE, n as u64) * free.len() as f64) as usize;
        if drawn < free.len() {
            slots[free.remove(drawn)] = Some(scored);
        }
    }
    let mut others = others.into_iter();
    (slots.into_iter().filter_map(|slot| slot.or_else(|| others.next())).collect(), out)
}

#[cfg(test)]
mod tests {
    use super::super::select::tests::{keys, scored};
    use super::*;

    fn draws(n: u64) -> Draws {
        Draws::of(&format!("{n:016x}"))
    }

    #[test]
    fn rounding_is_exact_in_the_mean() {
        let sum: usize = (0..10_000).map(|n| rounded(1.3, draws(n))).sum();
        // Binomial of 10,000 and 0.3: standard deviation 46, here within four of them.
        assert!((12_816..=13_184).contains(&sum), "{sum}");
        assert!((0..100).all(|n| rounded(2.0, draws(n)) == 2 && rounded(0.0, draws(n)) == 0));
    }

    #[test]
    fn new_hits_take_drawn_places_of_the_lower_half_and_what_is_fixed_stays() {
        let mut seen = [0; 6];
        for n in 0..2000 {
            let mut page: Vec<Scored> = (0..6).map(|key| scored(key, 1.0 - key as f32)).collect();
            page[1].marks.fixed = true;
            page[5].marks.new = true;
            let (page, out) = place(page, vec![admitted(scored(90, 0.0), 9), admitted(scored(91, 0.0), 10)], draws(n));
            let list = keys(&page);
            assert_eq!((list.len(), list[1], keys(&out)), (6, 1, vec![3, 4]), "the last two that are not new go");
            let rest: Vec<u64> = list.iter().copied().filter(|key| *key < 90).filter(|key| *key != 1).collect();
            assert_eq!(rest, [0, 2, 5]);
            list.iter().enumerate().filter(|(_, key)| **key >= 90).for_each(|(at, _)| seen[at] += 1);
        }
        // 4,000 new_hits over three places: 1,333 each, standard deviation below 30.
        assert!([0, 1, 2].iter().all(|at| seen[*at] == 0), "{seen:?}");
        assert!([3, 4, 5].iter().all(|at| (1_200..=1_470).contains(&seen[*at])), "{seen:?}");
        let (page, _) =
            place((0..2).map(|key| scored(key, 0.0)).collect(), vec![admitted(scored(90, 0.0), 9)], draws(1));
        assert_eq!(keys(&page), [0, 90]);
    }
}
