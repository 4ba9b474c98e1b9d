//! What is measured on which data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use onelist::evaluation::{JudgedQuery, SplitAt, Targets};
use onelist::{Config, Event, Item, NewItems, Plan, Protocol, Timestamp};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::data::{self, text};
use super::movielens::MovieLens;
use super::{Half, Result};

/// A store and a plan.
pub struct Task {
    /// What it is, for the heading.
    pub title: &'static str,
    /// How the store is opened.
    pub config: Config,
    /// What is put.
    pub items: Vec<Item>,
    /// What is logged.
    pub events: Vec<Event>,
    /// What is measured.
    pub plan: Plan,
}

/// Makes a task from the folder with the data.
pub type Make = fn(&Path, Half) -> Result<Task>;

/// All tasks by name.
pub const ALL: [(&str, Make); 12] = [
    ("scifact", scifact),
    ("judgments", judgments),
    ("retail", retail),
    ("rebuys", rebuys),
    ("cold", cold),
    ("warm", warm),
    ("movies", movies),
    ("ml100k", ml100k),
    ("tags", tags),
    ("strangers", strangers),
    ("newcomers", newcomers),
    ("newcomers100k", newcomers_100k),
];

/// Scientific claims over abstracts: 809 queries, 5,183 items.
fn scifact(folder: &Path, half: Half) -> Result<Task> {
    let items = data::items(&data::rows(&folder.join("scifact/items.jsonl.gz"))?, &["title", "text"], None, None);
    let rows = data::rows(&folder.join("scifact/queries.jsonl.gz"))?;
    let queries = rows.iter().filter(|row| half.takes(text(row, "query"))).map(|row| {
        let relevant = row.get("relevant").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        judged(text(row, "query"), relevant.map(|id| (id.to_owned(), 1.0)).collect())
    });
    let plan = searches(queries.collect());
    Ok(Task { title: "SciFact: claims over abstracts", config: Config::default(), items, events: Vec::new(), plan })
}

/// Movie queries with grades 0 to 4, over a catalog of 9,742 movies with its ratings logged.
fn judgments(folder: &Path, half: Half) -> Result<Task> {
    let mut grades: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for row in data::rows(&folder.join("movies/judgments.jsonl.gz"))? {
        let grade = row.get("grade").and_then(Json::as_f64).unwrap_or_default();
        grades.entry(text(&row, "query").to_owned()).or_default().insert(text(&row, "item").to_owned(), grade);
    }
    let queries =
        grades.into_iter().filter(|(query, _)| half.takes(query)).map(|(query, grades)| judged(&query, grades));
    let plan = searches(queries.collect());
    Ok(Task { title: "Movies: judged queries", plan, ..movie_store(folder)? })
}

/// The gift shop after a global time split: each customer's first item after the split that is new to them.
fn retail(folder: &Path, half: Half) -> Result<Task> {
    let rows = data::rows(&folder.join("retail/items.jsonl.gz"))?;
    let mut config = Config::default();
    config.date_field = Some("available".to_owned());
    // 2010-11-01 for the report; September 2010 is where the weights were chosen.
    let (from, until) = match half {
        Half::Report | Half::Rest => (1_288_569_600.0, None),
        Half::Validation => (1_283_299_200.0, Some(Timestamp::from_seconds(1_285_891_199.0))),
    };
    let mut plan = Plan::default();
    plan.protocol = Protocol::GlobalTimeSplit { at: SplitAt::Time(Timestamp::from_seconds(from)) };
    plan.until = until;
    Ok(Task {
        title: "Retail: next new item after a global time split",
        config,
        items: data::items(&rows, &["title"], None, Some("first_sold")),
        events: data::events(&data::rows(&folder.join("retail/events.jsonl.gz"))?),
        plan,
    })
}

/// The same with items that the customer had before.
fn rebuys(folder: &Path, half: Half) -> Result<Task> {
    let mut task = retail(folder, half)?;
    task.title = "Retail: next item, re-buys included, after a global time split";
    task.plan.targets = Targets::First;
    task.plan.exclude_seen = false;
    Ok(task)
}

/// The gift shop as it would be if nobody had a name: what each basket begins with.
fn strangers(folder: &Path, half: Half) -> Result<Task> {
    let mut task = retail(folder, half)?;
    task.title = "Retail: what the basket of a stranger begins with";
    for event in &mut task.events {
        event.user = event.basket.clone().unwrap_or_default();
    }
    // The lines of a basket have one time and are sorted by item number: which one is the first is up to a hash.
    task.events.sort_by_cached_key(|event| {
        let line = format!("{} {}", event.user, event.item.as_deref().unwrap_or_default());
        (event.time, <[u8; 32]>::from(Sha256::digest(line)))
    });
    Ok(Task { plan: of_strangers(task.plan), ..task })
}

/// MovieLens: the first movie of each person who came in the later half (for validation: the earlier one).
fn newcomers(folder: &Path, half: Half) -> Result<Task> {
    first_of_each(Task { title: "Movies: the first movie of each newcomer", ..movie_store(folder)? }, half)
}

/// The same of the set of the demo.
fn newcomers_100k(folder: &Path, half: Half) -> Result<Task> {
    let title = "MovieLens 100k: the first movie of each newcomer";
    first_of_each(Task { title, ..ml100k(folder, Half::Report)? }, half)
}

fn of_strangers(mut plan: Plan) -> Plan {
    plan.targets = Targets::First;
    plan.min_history = 0;
    plan
}

/// The first event of each user who came after half of all had, or in validation after a twentieth and before that half.
fn first_of_each(mut task: Task, half: Half) -> Result<Task> {
    let mut came: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for event in &task.events {
        let time = event.time.ok_or("an event has no time")?;
        came.entry(&event.user).and_modify(|first| *first = time.min(*first)).or_insert(time);
    }
    let mut times: Vec<Timestamp> = came.values().copied().collect();
    times.sort_unstable();
    let after = |share: usize| Timestamp::from_millis(times[times.len() / share].millis() + 1);
    let (from, until) = if half == Half::Validation { (after(20), Some(after(2))) } else { (after(2), None) };
    // Who came before goes on as one person, so that what they do counts and one question is about them all.
    let known: BTreeSet<String> =
        came.into_iter().filter(|(_, first)| *first < from).map(|(user, _)| user.to_owned()).collect();
    for event in task.events.iter_mut().filter(|event| event.time >= Some(from) && known.contains(&event.user)) {
        event.user = "who came before".to_owned();
    }
    task.plan = of_strangers(Plan::default());
    task.plan.protocol = Protocol::GlobalTimeSplit { at: SplitAt::Time(from) };
    task.plan.until = until;
    Ok(task)
}

/// A tenth of the shop's items hidden: their events are the targets.
fn cold(folder: &Path, half: Half) -> Result<Task> {
    let mut task = retail(folder, half)?;
    task.title = "Retail: a tenth of the items hidden";
    task.plan.protocol = Protocol::ItemCold { share: 0.1 };
    task.plan.new_items = Some(places_for_new_items());
    Ok(task)
}

/// What places for new items cost the others: a tenth of the items have no events at all, as if they were put today, and
/// what is asked for are the items that do.
fn warm(folder: &Path, half: Half) -> Result<Task> {
    let mut task = retail(folder, half)?;
    task.title = "Retail: next new item, with places for items without events that fit";
    let hidden = |item: &str| Sha256::digest(item.as_bytes())[0] < 26;
    task.events.retain(|event| event.item.as_deref().is_some_and(|item| !hidden(item)));
    task.plan.new_items = Some(places_for_new_items());
    task.plan.baselines = false;
    Ok(task)
}

/// Places for what nobody has bought yet, where it fits: chosen on the validation half (decision 0021). A `least_fit` of -1
/// keeps the share on every list.
fn places_for_new_items() -> NewItems {
    NewItems { share: 0.3, events_below: Some(1.0), least_fit: Some(0.53), ..NewItems::default() }
}

/// MovieLens: the last movie of each person (the one before it is where the weights were chosen).
fn movies(folder: &Path, half: Half) -> Result<Task> {
    Ok(last_of_each(Task { title: "Movies: leave last out", ..movie_store(folder)? }, half))
}

/// MovieLens 100k, the set of the demo: the last movie of each person. No weight was chosen on it.
fn ml100k(_folder: &Path, half: Half) -> Result<Task> {
    let movies = MovieLens::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/ml-100k"))?;
    let mut config = Config::default();
    config.date_field = Some("released".to_owned());
    let title = "MovieLens 100k: leave last out";
    let task = Task { title, config, items: movies.items, events: movies.events, plan: Plan::default() };
    Ok(last_of_each(task, half))
}

/// The last event of each user as the target; for validation the one before it, as if the last had not happened yet.
fn last_of_each(mut task: Task, half: Half) -> Task {
    task.plan.protocol = Protocol::LeaveLastOut;
    if half == Half::Validation {
        let places = task.events.iter().enumerate().map(|(place, event)| (event.user.as_str(), place));
        // Of several places of one user the last stays.
        let last: BTreeMap<&str, usize> = places.collect();
        let last: BTreeSet<usize> = last.into_values().collect();
        let events = task.events.iter().enumerate().filter(|(place, _)| !last.contains(place));
        task.events = events.map(|(_, event)| event.clone()).collect();
    }
    task
}

/// Search and recommendation at once: a user's history up to the moment of a tag, the tag as the query, the tagged movie
/// as the target.
fn tags(folder: &Path, half: Half) -> Result<Task> {
    let rows = data::rows(&folder.join("movies/tags.jsonl.gz"))?;
    let queries = rows.iter().filter(|row| half.takes(text(row, "tag"))).map(|row| {
        let mut query = judged(text(row, "tag"), BTreeMap::from([(text(row, "item").to_owned(), 1.0)]));
        query.user = Some(text(row, "user").to_owned());
        query.time = row.get("time").and_then(Json::as_f64).map(Timestamp::from_seconds);
        query
    });
    let plan = searches(queries.collect());
    Ok(Task { title: "Movies: a tag as query, with the tagger's history", plan, ..movie_store(folder)? })
}

fn movie_store(folder: &Path) -> Result<Task> {
    let rows = data::rows(&folder.join("movies/items.jsonl.gz"))?;
    Ok(Task {
        title: "Movies",
        config: Config::default(),
        items: data::items(&rows, &["title", "overview"], Some("genres"), None),
        events: data::events(&data::rows(&folder.join("movies/events.jsonl.gz"))?),
        plan: Plan::default(),
    })
}

fn judged(query: &str, grades: BTreeMap<String, f64>) -> JudgedQuery {
    JudgedQuery { query: query.to_owned(), grades, user: None, time: None }
}

fn searches(queries: Vec<JudgedQuery>) -> Plan {
    let mut plan = Plan::default();
    plan.next_item = false;
    plan.queries = queries;
    plan
}
