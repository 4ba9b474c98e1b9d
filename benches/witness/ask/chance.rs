//! Lists that are drawn at random. What can be foretold from the `rank_id` is compared with that; of places for new items
//! only which items got one, where all that may have one do.

use onelist::{Hit, Ranking};
use serde_json::{Value as Json, json};

use super::super::data::text;
use super::super::requests::{CELLS, in_cell, merge};
use super::super::{Result, given};
use super::Asking;
use super::draws::Draws;

const TEMPERATURE: f32 = 0.2;
/// Items that the lists are drawn from: fewer than the 100 whose order the engine draws. They are named, because otherwise
/// the candidates depend on the limit.
const POOL: usize = 60;
const PAGE: usize = 10;
/// Lists that are drawn of each kind: a swap happens on half of them.
const TURNS: usize = 5;
/// How far a probability may be from the one that is computed here.
const NEAR: f64 = 1e-4;
const DAY: f64 = 86_400.0;

/// Explores in every cell, and gives places to new items.
pub fn ask(asking: &mut Asking) -> Result<()> {
    for (nth, cell) in CELLS.iter().enumerate() {
        explore(asking, (cell, nth))?;
        let found = new_items(asking, (cell, nth))?;
        asking.add("chance", &format!("{cell}.new-items"), found)?;
    }
    Ok(())
}

fn explore(asking: &mut Asking, (cell, nth): (&str, usize)) -> Result<()> {
    let pool: Vec<&String> = asking.world.popular.iter().step_by(3).take(POOL).collect();
    let among = |limit: usize, explore: Json| json!({ "among": pool, "limit": limit, "explore": explore });
    let drawn = among(PAGE, json!({ "share": 1, "temperature": TEMPERATURE }));
    let swapped = among(PAGE, json!({ "swaps": 1 }));
    let plain = rank(asking, (cell, nth), &among(POOL, Json::Null))?;
    for turn in 0..TURNS {
        let found = rank(asking, (cell, nth), &drawn)?;
        let as_drawn = json!({ "as_drawn": is_as_drawn(&plain, &found) });
        asking.add("chance", &format!("{cell}.order.{turn}"), as_drawn)?;
        let found = rank(asking, (cell, nth), &swapped)?;
        let as_drawn = json!({ "as_drawn": is_as_swapped(&plain, &found) });
        asking.add("chance", &format!("{cell}.swap.{turn}"), as_drawn)?;
    }
    Ok(())
}

fn rank(asking: &Asking, (cell, nth): (&str, usize), control: &Json) -> Result<Ranking> {
    let mut request = in_cell(asking.world, cell, nth);
    merge(&mut request, control);
    Ok(given::rank(&asking.db, &request.into())?)
}

fn is_as_drawn(plain: &Ranking, found: &Ranking) -> bool {
    let scores: Vec<f32> = plain.hits.iter().map(|hit| hit.score).collect();
    let order = Draws::of(&found.rank_id).order(&scores, TEMPERATURE);
    let same = |(hit, (place, probability)): (&Hit, &(usize, f64))| {
        let near = |propensity: f32| (f64::from(propensity) - probability).abs() < NEAR;
        plain.hits.get(*place).is_some_and(|of| of.id == hit.id) && hit.propensity.is_some_and(near)
    };
    found.explored && found.hits.len() == PAGE.min(plain.hits.len()) && found.hits.iter().zip(&order).all(same)
}

fn is_as_swapped(plain: &Ranking, found: &Ranking) -> bool {
    let (second, turned) = Draws::of(&found.rank_id).swap(found.hits.len());
    let mut expected: Vec<&str> = plain.hits.iter().take(PAGE).map(|hit| hit.id.as_str()).collect();
    if turned {
        expected.swap(second - 1, second);
    }
    let half = |(at, hit): (usize, &Hit)| {
        let drawn = at == second || at + 1 == second;
        hit.propensity == Some(if drawn { 0.5 } else { 1.0 })
    };
    found.explored
        && found.hits.iter().map(|hit| hit.id.as_str()).eq(expected)
        && found.hits.iter().enumerate().all(half)
}

/// A page of 10 among 12 older items and a few of the newest, with half of its places for new ones: all of these get one,
/// wherever it is. In order of id, since the places are drawn.
fn new_items(asking: &Asking, cell: (&str, usize)) -> Result<Json> {
    let dated = asking.world.items.iter().map(|item| (date(item), text(item, "id")));
    let mut by_date: Vec<(f64, &str)> = dated.filter(|(date, _)| *date < asking.world.now).collect();
    by_date.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    // The newest five or fewer that are newer than all others, and a moment between them and those.
    let gap = |newest: &usize| by_date[newest - 1].0 > by_date[*newest].0;
    let newest = (1..=5).rev().find(gap).unwrap_or(1);
    let moment = (by_date[newest - 1].0 + by_date[newest].0) / 2.0;
    let older = by_date.iter().skip(newest).step_by(by_date.len() / 13).take(12);
    let ids: Vec<&str> = by_date.iter().take(newest).chain(older).map(|(_, id)| *id).collect();
    let days = (asking.world.now - moment) / DAY;
    let control = json!({ "among": ids, "limit": 10, "new_items": { "share": 0.5, "days": days } });
    let found = rank(asking, cell, &control)?;
    let mut hits: Vec<(&str, f32)> = found.hits.iter().map(|hit| (hit.id.as_str(), hit.score)).collect();
    hits.sort_by(|a, b| a.0.cmp(b.0));
    Ok(json!({ "hits": hits, "candidates": found.candidates, "explored": found.explored }))
}

/// The date of an item, in whichever field its world has it.
fn date(item: &Json) -> f64 {
    let dates = ["available", "released", "published"].iter().filter_map(|name| item[*name]["date"].as_f64());
    dates.fold(0.0, f64::max)
}
