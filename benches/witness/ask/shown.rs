//! Impressions: what is remembered of rankings, what is joined to it, and what later lists make of it.

use onelist::{Action, Event, Ranking, Timestamp, json};
use serde_json::{Value as Json, json};

use super::super::renamed::IMPRESSIONS;
use super::super::requests::{in_cell, merge};
use super::super::{Result, given};
use super::Asking;

/// Rankings that are shown.
const SHOWN: usize = 16;

/// Shows some lists, lets people choose from them, and asks again.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let requests = (0..SHOWN).map(|nth| given::request(&request(asking, nth))).collect::<onelist::Result<Vec<_>>>()?;
    // In one call, so that all impressions wait at once and are written in one commit.
    let rankings = asking.db.rank_many(&requests)?;
    add_impressions(asking, "shown", &rankings)?;
    let time = Timestamp::from_seconds(asking.world.now + 60.0);
    let chosen = rankings.iter().enumerate().filter_map(|(nth, ranking)| {
        let hit = ranking.hits.get(nth % 5)?;
        let user = requests.get(nth)?.user.as_deref()?;
        Some(Event::new(user, Action::Click).item(&hit.id).answers(&ranking.rank_id).at(time))
    });
    asking.db.log(chosen.collect())?;
    asking.db.flush()?;
    add_impressions(asking, "chosen", &rankings)?;
    let exposure = given::answered(IMPRESSIONS, json::new_item_exposure_to_json(&asking.db.new_item_exposure()?))?;
    asking.add("shown", "exposure", exposure)?;
    for nth in 0..SHOWN {
        let Json::Object(mut request) = request(asking, nth) else { continue };
        merge(&mut request, &json!({ "log_impression": false, "explain": true, "now": asking.world.now + 120.0 }));
        let ranking = given::rank(&asking.db, &request.into())?;
        asking.add_ranking("shown-rank", &format!("{nth:02}"), &ranking)?;
    }
    Ok(())
}

fn request(asking: &Asking, nth: usize) -> Json {
    let cell = if nth.is_multiple_of(3) { "query-and-history" } else { "history" };
    let mut request = in_cell(asking.world, cell, nth);
    let new_items = if nth.is_multiple_of(4) { json!({ "share": 0, "days": 3000 }) } else { Json::Null };
    let control = json!({ "log_impression": true, "limit": 6, "offset": nth % 3, "new_items": new_items });
    merge(&mut request, &control);
    request.into()
}

/// The impressions in the order of their rankings: their own is that of the clock, or of names that are random.
fn add_impressions(asking: &mut Asking, name: &str, rankings: &[Ranking]) -> Result<()> {
    let kept = asking.db.impressions(None, 1000)?;
    let of = |ranking: &Ranking| kept.iter().find(|kept| kept.rank_id == ranking.rank_id).cloned();
    let ordered: Vec<_> = rankings.iter().filter_map(of).collect();
    let mut written = given::answered(IMPRESSIONS, json::impressions_to_json(&ordered))?;
    // The hash of the model's file is left out too: the names of features are in its manifest.
    super::catalog::without(&mut written, &["rank_id", "model"]);
    asking.add("shown", name, json!({ "kept": kept.len(), "impressions": written }))
}
