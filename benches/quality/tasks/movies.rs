//! Ratings of movies: next movie, cold-start users.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use onelist::evaluation::SplitAt;
use onelist::{Config, Plan, Protocol, Timestamp};

use super::Setup;
use super::shop::first_visits;
use crate::Result;
use crate::data;
use crate::half::Half;
use crate::movielens::MovieLens;

/// MovieLens latest-small: the last movie of each user (the one before it is where the weights were chosen).
pub fn next_movie(folder: &Path, half: Half) -> Result<Setup> {
    Ok(last_of_each(small(folder)?, half))
}

/// MovieLens 100k, the set of the demo: the last movie of each user.
pub fn next_movie_100k(_folder: &Path, half: Half) -> Result<Setup> {
    Ok(last_of_each(hundred_k()?, half))
}

/// MovieLens latest-small: the first movie of each user of the later half (for validation: of the earlier one).
pub fn cold_start(folder: &Path, half: Half) -> Result<Setup> {
    first_of_each(small(folder)?, half)
}

/// The same on MovieLens 100k.
pub fn cold_start_100k(_folder: &Path, half: Half) -> Result<Setup> {
    first_of_each(hundred_k()?, half)
}

/// MovieLens latest-small with overviews.
pub fn small(folder: &Path) -> Result<Setup> {
    let rows = data::rows(&folder.join("movies/items.jsonl.gz"))?;
    Ok(Setup {
        config: Config::default(),
        items: data::items(&rows, &["title", "overview"], Some("genres"), None),
        events: data::events(&data::rows(&folder.join("movies/events.jsonl.gz"))?),
        plan: Plan::default(),
    })
}

fn hundred_k() -> Result<Setup> {
    let movies = MovieLens::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/ml-100k"))?;
    let mut config = Config::default();
    config.date_field = Some("released".to_owned());
    Ok(Setup { config, items: movies.items, events: movies.events, plan: Plan::default() })
}

/// The last event of each user as the target; for validation the one before it, as if the last had not happened yet.
fn last_of_each(mut setup: Setup, half: Half) -> Setup {
    setup.plan.protocol = Protocol::LeaveLastOut;
    if half == Half::Validation {
        let places = setup.events.iter().enumerate().map(|(place, event)| (event.user.as_str(), place));
        // Of several places of one user the last stays.
        let last: BTreeMap<&str, usize> = places.collect();
        let last: BTreeSet<usize> = last.into_values().collect();
        let events = setup.events.iter().enumerate().filter(|(place, _)| !last.contains(place));
        setup.events = events.map(|(_, event)| event.clone()).collect();
    }
    setup
}

/// The first event of each user who arrived after half of the users; in validation, between a twentieth and half.
fn first_of_each(mut setup: Setup, half: Half) -> Result<Setup> {
    let mut arrivals: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for event in &setup.events {
        let time = event.time.ok_or("an event has no time")?;
        arrivals.entry(&event.user).and_modify(|first| *first = time.min(*first)).or_insert(time);
    }
    let mut times: Vec<Timestamp> = arrivals.values().copied().collect();
    times.sort_unstable();
    let after = |parts: usize| Timestamp::from_millis(times[times.len() / parts].millis() + 1);
    let (from, until) = if half == Half::Validation { (after(20), Some(after(2))) } else { (after(2), None) };
    // Earlier users go on as one user, so that their events count and only one question is about them.
    let earlier: BTreeSet<String> =
        arrivals.into_iter().filter(|(_, first)| *first < from).map(|(user, _)| user.to_owned()).collect();
    for event in setup.events.iter_mut().filter(|event| event.time >= Some(from) && earlier.contains(&event.user)) {
        event.user = "earlier users".to_owned();
    }
    setup.plan = first_visits(Plan::default());
    setup.plan.protocol = Protocol::GlobalTimeSplit { at: SplitAt::Time(from) };
    setup.plan.until = until;
    Ok(setup)
}
