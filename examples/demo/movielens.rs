//! MovieLens 100k in the tab-separated files of the package recbole: 1,682 movies, 943 users, 100,000 ratings.

use std::collections::HashMap;
use std::path::Path;

use onelist::{Action, Event, Item, Timestamp, Value};

use super::Result;

/// Seconds in a year, for release dates of which only the year is known.
const YEAR: f64 = 365.2425 * 86_400.0;

/// The data, in the engine's terms.
pub struct MovieLens {
    /// Movies with title, year and genres.
    pub items: Vec<Item>,
    /// Ratings in order of time.
    pub events: Vec<Event>,
    /// User ids, those with the most ratings first.
    pub users: Vec<String>,
}

impl MovieLens {
    /// Reads both files.
    pub fn read(folder: &Path) -> Result<MovieLens> {
        let items = rows(&folder.join("ml-100k.item"))?.iter().map(|row| movie(row)).collect();
        let mut events: Vec<Event> =
            rows(&folder.join("ml-100k.inter"))?.iter().map(|row| rating(row)).collect::<Result<_>>()?;
        events.sort_by_key(|event| event.time);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        events.iter().for_each(|event| *counts.entry(&event.user).or_default() += 1);
        let mut users: Vec<String> = counts.keys().map(|user| (*user).to_owned()).collect();
        users.sort_by_key(|user| (std::cmp::Reverse(counts[user.as_str()]), user.clone()));
        Ok(MovieLens { items, events, users })
    }

    /// An hour after the last rating.
    pub fn last_event(&self) -> Timestamp {
        let last = self.events.last().and_then(|event| event.time).unwrap_or_default();
        Timestamp::from_seconds(last.seconds() + 3600.0)
    }

    /// Two users whose recent favourites differ most: one in science fiction, one in films for children.
    pub fn two_tastes(&self) -> [&str; 2] {
        let best = |genre: &str| {
            let share = |user: &&String| {
                let liked = self.liked(user, 20);
                let hits = liked.iter().filter(|movie| genres(movie).contains(&genre.to_owned())).count();
                hits * 100 / liked.len().max(10)
            };
            self.users.iter().take(400).max_by_key(share).map_or("1", String::as_str)
        };
        [best("Sci-Fi"), best("Children's")]
    }

    /// What a user liked lately, in words.
    pub fn taste(&self, user: &str) -> String {
        let titles: Vec<String> = self.liked(user, 4).iter().map(|movie| title(movie)).collect();
        format!("liked {}", titles.join(", "))
    }

    /// The last movies that a user rated 4 or 5, newest first.
    fn liked(&self, user: &str, count: usize) -> Vec<&Item> {
        let liked = self.events.iter().rev().filter(|e| e.user == user && e.value >= Some(4.0));
        let ids = liked.filter_map(|event| event.item.as_deref());
        ids.filter_map(|id| self.items.iter().find(|item| item.id == id)).take(count).collect()
    }
}

/// The title of a movie.
pub fn title(movie: &Item) -> String {
    match movie.fields.get("title") {
        Some(Value::Text(title)) => title.clone(),
        _ => movie.id.clone(),
    }
}

fn genres(movie: &Item) -> Vec<String> {
    match movie.fields.get("genres") {
        Some(Value::Tags(genres)) => genres.clone(),
        _ => Vec::new(),
    }
}

fn rows(path: &Path) -> Result<Vec<Vec<String>>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}; `make demo` puts it there", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

fn movie(row: &[String]) -> Item {
    let field = |place: usize| row.get(place).map(|text| text.trim()).unwrap_or_default();
    let mut item = Item::new(field(0)).text("title", natural_title(field(1)));
    if let Ok(year) = field(2).parse::<f64>() {
        let released = Timestamp::from_seconds((year - 1970.0) * YEAR);
        item = item.number("year", year).with("released", Value::Date(released));
    }
    item.tags("genres", field(3).split_whitespace())
}

/// "Usual Suspects, The" as people write it.
fn natural_title(title: &str) -> String {
    for article in ["The", "A", "An"] {
        if let Some(rest) = title.strip_suffix(&format!(", {article}")) {
            return format!("{article} {rest}");
        }
    }
    title.to_owned()
}

fn rating(row: &[String]) -> Result<Event> {
    let [user, item, value, time] = row else {
        return Err(format!("expected user, item, rating and time, found {} columns", row.len()).into());
    };
    let time = Timestamp::from_seconds(time.parse()?);
    Ok(Event::new(user, Action::Rate).item(item).value(value.parse()?).at(time))
}
