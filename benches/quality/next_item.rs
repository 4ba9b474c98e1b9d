//! Recommendation: the next item of a user among all items, asked at the moment it happened.
//!
//! Events are replayed in order of time. Just before a target is logged, every system ranks the whole catalog with what
//! was known then; the target counts where it stands. Items that the user had are left out of every list, so a target
//! is always an item that is new to its user.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

use onelist::{Config, Engine, Event, Item, Request, Timestamp};

use super::data::{self, text};
use super::measures::ndcg;
use super::{Half, Result, Results, only};

/// Targets after which what is fitted to the log is fitted again.
const REFIT: usize = 200;

/// A target: the place of its event in the log.
type Targets = HashSet<usize>;

/// Baselines that are one feature of the engine: content of the last item, of the history, decayed popularity.
const SINGLE: [(&str, &str); 6] = [
    ("co-visits", "next"),
    ("together", "together"),
    ("content, last item", "cos_last"),
    ("content, history", "cos_history"),
    ("popular, half-life 7 days", "popular_7d"),
    ("popular, half-life 90 days", "popular_90d"),
];

/// The gift shop after a global time split: each customer's first new item after the split.
pub fn retail(folder: &Path, half: Half) -> Result<()> {
    let rows = data::rows(&folder.join("retail/items.jsonl.gz"))?;
    let items = data::items(&rows, &["title"], None, Some("first_sold"));
    let events = data::events(&data::rows(&folder.join("retail/events.jsonl.gz"))?);
    // 2010-11-01 for the report; September 2010 is where the weights were chosen.
    let (from, to) = match half {
        Half::Report => (1_288_569_600.0, f64::INFINITY),
        Half::Validation => (1_283_299_200.0, 1_285_891_200.0),
    };
    let targets = first_new_after(&events, from, to);
    let title = "Retail: next new item after a global time split, full ranking";
    compare(title, items, &events, &targets)
}

/// The first event of each known user in a span whose item is new to them.
fn first_new_after(events: &[Event], from: f64, to: f64) -> Targets {
    let mut had: HashMap<&str, HashSet<&str>> = HashMap::new();
    let (mut done, mut targets) = (HashSet::new(), Targets::new());
    for (place, event) in events.iter().enumerate() {
        let (Some(item), Some(time)) = (event.item.as_deref(), event.time) else { continue };
        let known = had.entry(&event.user).or_default();
        let inside = time.seconds() >= from && time.seconds() < to;
        if inside && !known.is_empty() && !known.contains(item) && done.insert(&event.user) {
            targets.insert(place);
        }
        known.insert(item);
    }
    targets
}

/// MovieLens: the last movie of each person (the one before it is where the weights were chosen).
pub fn movies(folder: &Path, half: Half) -> Result<()> {
    let rows = data::rows(&folder.join("movies/items.jsonl.gz"))?;
    let items = data::items(&rows, &["title", "overview"], Some("genres"), None);
    let events = data::events(&data::rows(&folder.join("movies/events.jsonl.gz"))?);
    let mut of_user: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, event) in events.iter().enumerate() {
        of_user.entry(&event.user).or_default().push(place);
    }
    let back = if half == Half::Report { 1 } else { 2 };
    let targets = of_user.values().filter_map(|places| places.len().checked_sub(back).map(|at| places[at])).collect();
    compare("Movies: leave last out, full ranking", items, &events, &targets)
}

fn compare(title: &str, items: Vec<Item>, events: &[Event], targets: &Targets) -> Result<()> {
    let known: HashSet<String> = items.iter().map(|item| item.id.clone()).collect();
    let configs = std::iter::once(("rank", Config::default())).chain(SINGLE.map(|(name, f)| (name, only(f))));
    let mut systems = Vec::new();
    for (name, mut config) in configs {
        if items.iter().any(|item| item.fields.contains_key("available")) {
            config.date_field = Some("available".to_owned());
        }
        systems.push((name.to_owned(), replay(config, items.clone(), events, targets)?));
    }
    for (name, days) in [("popular", f64::INFINITY), ("popular in the last 7 days", 7.0)] {
        systems.push((name.to_owned(), most_popular(&known, events, targets, days)));
    }
    Results { title: title.to_owned(), measure: "NDCG@10", systems }.print();
    Ok(())
}

/// NDCG@10 of the engine for each target, in order of time.
fn replay(config: Config, items: Vec<Item>, events: &[Event], targets: &Targets) -> Result<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let db = Engine::open(dir.path(), config)?;
    db.put(items)?;
    let (mut values, mut pending) = (Vec::new(), Vec::new());
    for (place, event) in events.iter().enumerate() {
        if targets.contains(&place) {
            db.log(std::mem::take(&mut pending))?;
            // Signals as of now, and not as of when the background got to it.
            db.flush()?;
            if values.len() % REFIT == 0 {
                db.refit()?;
            }
            let request = Request::new().user(event.user.as_str()).exclude_seen().now(event.time.unwrap_or_default());
            let hits: Vec<String> = db.rank(&request)?.hits.into_iter().map(|hit| hit.id).collect();
            values.push(ndcg(&hits, &target(event)));
        }
        pending.push(event.clone());
    }
    db.close()?;
    Ok(values)
}

fn target(event: &Event) -> HashMap<String, f64> {
    event.item.iter().map(|item| (item.clone(), 1.0)).collect()
}

/// The same for plain counts of the last `days`, without the engine.
fn most_popular(known: &HashSet<String>, events: &[Event], targets: &Targets, days: f64) -> Vec<f64> {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let mut had: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut window: VecDeque<(Timestamp, &str)> = VecDeque::new();
    let mut values = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let (Some(item), Some(time)) = (event.item.as_deref(), event.time) else { continue };
        while window.front().is_some_and(|(then, _)| time.seconds_since(*then) > days * 86_400.0) {
            if let Some((_, old)) = window.pop_front() {
                *counts.entry(old).or_default() -= 1;
            }
        }
        if targets.contains(&place) {
            let seen = had.entry(&event.user).or_default();
            let mut ranked: Vec<(&str, i64)> = counts
                .iter()
                .filter(|(id, _)| known.contains(**id) && !seen.contains(**id))
                .map(|(id, n)| (*id, *n))
                .collect();
            ranked.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
            let top: Vec<String> = ranked.into_iter().take(10).map(|(id, _)| id.to_owned()).collect();
            values.push(ndcg(&top, &target(event)));
        }
        *counts.entry(item).or_default() += 1;
        window.push_back((time, item));
        had.entry(&event.user).or_default().insert(item);
    }
    values
}

/// Search and recommendation at once: a user's history up to the moment of a tag, the tag as the query, the tagged movie
/// as the target. MRR@10 with both, with the query alone and with the history alone.
pub fn tags(folder: &Path, half: Half) -> Result<()> {
    let rows = data::rows(&folder.join("movies/items.jsonl.gz"))?;
    let dir = tempfile::tempdir()?;
    let db = Engine::open(dir.path(), Config::default())?;
    db.put(data::items(&rows, &["title", "overview"], Some("genres"), None))?;
    let mut events: VecDeque<Event> = data::events(&data::rows(&folder.join("movies/events.jsonl.gz"))?).into();
    let mut tags = data::rows(&folder.join("movies/tags.jsonl.gz"))?;
    tags.retain(|row| half.takes(text(row, "tag")));
    tags.sort_by_key(|row| row.get("time").and_then(serde_json::Value::as_i64));
    let mut systems =
        vec![("query and history", Vec::new()), ("query alone", Vec::new()), ("history alone", Vec::new())];
    for row in &tags {
        let now = Timestamp::from_seconds(row.get("time").and_then(serde_json::Value::as_f64).unwrap_or_default());
        let mut before = Vec::new();
        // The tagged movie's own rating is often logged in the same minute: only what came before it is history.
        while events.front().is_some_and(|event| event.time < Some(now)) {
            before.extend(events.pop_front());
        }
        db.log(before)?;
        let base = || Request::new().now(now);
        let requests = [
            base().query(text(row, "tag")).user(text(row, "user")),
            base().query(text(row, "tag")),
            base().user(text(row, "user")),
        ];
        for ((_, values), ranking) in systems.iter_mut().zip(db.rank_many(&requests)?) {
            let place = ranking.hits.iter().position(|hit| hit.id == text(row, "item"));
            values.push(place.map_or(0.0, |place| 1.0 / (place as f64 + 1.0)));
        }
    }
    db.close()?;
    let systems = systems.into_iter().map(|(name, values)| (name.to_owned(), values)).collect();
    Results { title: "Movies: a tag as query, with the tagger's history".to_owned(), measure: "MRR@10", systems }
        .print();
    Ok(())
}
