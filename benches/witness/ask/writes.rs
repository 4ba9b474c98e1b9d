//! Writes to a store that was built before: puts, deletes, events one by one and in bulk, retention, and its tables after.

use onelist::{Action, Event, Item, Timestamp, json};
use serde_json::{Value as Json, json};

use super::super::requests::{CELLS, in_cell, merge};
use super::super::worlds::lines;
use super::super::{Result, files, given};
use super::{Asking, tables};

const DAY: f64 = 86_400.0;

/// Writes, asks after each step, and digests the tables at the end.
pub fn ask(asking: &mut Asking) -> Result<()> {
    items(asking)?;
    rank(asking, "items")?;
    events(asking)?;
    rank(asking, "events")?;
    asking.db.rebuild_cooccurrence()?;
    rank(asking, "refit")?;
    scenarios(asking)?;
    close_and_digest(asking, "written")?;
    trim(asking)?;
    rank(asking, "trimmed")?;
    close_and_digest(asking, "trimmed")
}

/// Changes a few items, adds one, and deletes some. After each step the indexes follow, so that they take the same steps
/// every time.
fn items(asking: &mut Asking) -> Result<()> {
    let changed: Vec<Json> = asking.world.items.iter().step_by(300).map(changed).collect();
    asking.db.put(json::items_from_json(&lines(&changed))?)?;
    asking.db.flush()?;
    let Some(first) = asking.world.items.first() else { return Ok(()) };
    let mut added = first.clone();
    (added["id"], added["title"]) = ("added".into(), "An item that came later".into());
    asking.db.put(vec![json::item_from_json(&added.to_string())?])?;
    asking.db.flush()?;
    let gone: Vec<&str> =
        asking.world.items.iter().skip(7).step_by(500).filter_map(|item| item["id"].as_str()).collect();
    let deleted = asking.db.delete(&gone)?;
    asking.add("write", "deleted", deleted.into())?;
    asking.db.flush()?;
    let stats = super::catalog::stats(asking)?;
    asking.add("write", "stats", stats)
}

fn changed(item: &Json) -> Json {
    let mut item = item.clone();
    item["title"] = format!("{} second edition", item["title"].as_str().unwrap_or_default()).into();
    item
}

/// A bulk of events, and then a few at a time, as a shop logs them; those of one user are known at once. The log grows by
/// less than a fifth, so that the background does not fit anything to it while lists are compared.
fn events(asking: &mut Asking) -> Result<()> {
    let time = |seconds: usize| Timestamp::from_seconds(asking.world.now + seconds as f64);
    let items: Vec<&str> = asking.world.popular.iter().take(60).map(String::as_str).chain(["added"]).collect();
    let event = |nth: usize| {
        let user = format!("newcomer {}", nth % 90);
        let action = if nth.is_multiple_of(7) { Action::Buy } else { Action::Click };
        let event = Event::new(user, action).item(items[nth * nth % items.len()]).at(time(nth * 5));
        if nth.is_multiple_of(3) {
            event.basket(format!("basket {}", nth / 9)).segment("country", "Malta")
        } else {
            event
        }
    };
    let bulk = (asking.world.events.len() / 8).min(1500);
    asking.db.log((0..bulk).map(event).collect())?;
    for nth in 0..12 {
        asking.db.log(vec![event(1500 + nth), event(1600 + nth)])?;
        asking.db.flush()?;
    }
    let user = Event::new("just now", Action::Buy);
    asking.db.log(vec![user.clone().item("added").at(time(9000)), user.item(items[0]).at(time(9001))])?;
    let felt = felt_at_once(asking, &items)?;
    asking.add("write", "felt-at-once", felt)?;
    asking.db.flush()?;
    Ok(())
}

/// What is left of some items for somebody who had two of them a moment ago. Only the ids, in order: what the events say of
/// items counts a moment later.
fn felt_at_once(asking: &Asking, items: &[&str]) -> Result<Json> {
    let among: Vec<&str> = items.iter().take(5).copied().chain(["added"]).collect();
    let request = json!({ "user": "just now", "among": among, "exclude_seen": true, "log_impression": false,
        "now": asking.world.now + 9100.0 });
    let mut ids: Vec<String> = given::rank(&asking.db, &request)?.hits.into_iter().map(|hit| hit.id).collect();
    ids.sort_unstable();
    Ok(json!(ids))
}

fn scenarios(asking: &mut Asking) -> Result<()> {
    let rules = given::rules(&json!([{ "rule": "boost", "ids": ["added"], "amount": 3 }]))?;
    asking.db.set_scenario("later", &rules)?;
    let removed: Vec<bool> =
        ["later", "never was"].iter().map(|name| asking.db.delete_scenario(name)).collect::<onelist::Result<_>>()?;
    asking.db.set_scenario("later still", &rules)?;
    asking.add("write", "scenarios-removed", json!(removed))?;
    let counted = asking.db.verify_signals()?;
    asking.add("write", "recount", json!({ "before": counted.before, "after": counted.after }))?;
    let known = asking.db.get(&["added"])?;
    let is_there: Vec<Option<&Item>> = known.iter().map(Option::as_ref).collect();
    asking.add("write", "added", given::answered(&[], json::items_to_json(is_there))?)
}

fn rank(asking: &mut Asking, name: &str) -> Result<()> {
    for (nth, cell) in CELLS.iter().enumerate() {
        for turn in 0..4 {
            let mut request = in_cell(asking.world, cell, nth + 5 * turn);
            let user = if turn == 3 && cell.ends_with("history") {
                json!("newcomer 9")
            } else {
                request.remove("user").into()
            };
            merge(&mut request, &json!({ "user": user, "now": asking.world.now + 2.0 * DAY, "explain": turn > 1 }));
            let ranking = given::rank(&asking.db, &request.into())?;
            asking.add_ranking("write-rank", &format!("{name}.{cell}.{turn}"), &ranking)?;
        }
    }
    Ok(())
}

/// Opens the store once more, to keep the newest events of each user and two thirds of all.
fn trim(asking: &mut Asking) -> Result<()> {
    let mut config = asking.world.config.clone();
    config["retention"] = json!({ "per_user": 60, "total": asking.world.events.len() * 2 / 3 });
    reopen(asking, &config)?;
    // The background may have trimmed when the store was opened, so what is compared is what is left.
    asking.db.apply_retention()?;
    asking.db.rebuild_cooccurrence()?;
    let stats = super::catalog::stats(asking)?;
    asking.add("write", "trimmed", stats)
}

/// Opens the copy once more.
fn reopen(asking: &mut Asking, config: &Json) -> Result<()> {
    asking.db.close()?;
    asking.db = onelist::Engine::open(asking.path, given::config(config)?)?;
    Ok(())
}

/// The tables of the closed copy, which is then opened again.
fn close_and_digest(asking: &mut Asking, when: &str) -> Result<()> {
    asking.db.close()?;
    let copy = asking.path.with_extension("tables");
    files::copy(asking.path, &copy)?;
    tables::ask(&copy, asking.world.name, when, asking.record)?;
    files::remove(&copy)?;
    let config = asking.world.config.clone();
    reopen(asking, &config)
}
