//! What is measured on which data.
//!
//! | file | what it does |
//! |---|---|
//! | [`search`] | queries with known answers: SciFact, judged movie queries, tags |
//! | [`shop`] | a gift shop: next item, re-buys, new items, anonymous users |
//! | [`movies`] | ratings: next movie, cold-start users |

mod movies;
mod search;
mod shop;

use std::path::Path;

use onelist::{Config, Event, Item, Plan};

use super::Result;
use super::half::Half;

/// A task by name.
pub struct Task {
    /// Its name on the command line.
    pub name: &'static str,
    /// The heading of its section.
    pub title: &'static str,
    /// What is asked, and what the reader should know about the data.
    pub about: &'static str,
    /// Reads what it needs from the folder with the data.
    pub setup: fn(&Path, Half) -> Result<Setup>,
}

/// A store and a plan.
pub struct Setup {
    /// How the store is opened.
    pub config: Config,
    /// What is put.
    pub items: Vec<Item>,
    /// What is logged.
    pub events: Vec<Event>,
    /// What is measured.
    pub plan: Plan,
}

/// All tasks, in the order of docs/RESULTS.md.
pub const ALL: [Task; 12] = [
    Task {
        name: "scifact",
        title: "Search: claims over abstracts (SciFact)",
        about: "A scientific claim is the query; the abstracts with evidence for or against it are relevant. No events \
                are logged. Weights were chosen on half of these queries.",
        setup: search::scifact,
    },
    Task {
        name: "judgments",
        title: "Search: judged movie queries",
        about: "Queries whose items were graded from 0 to 4 by hand, over a catalog of movies with its ratings logged. \
                Weights were chosen on half of these queries.",
        setup: search::judgments,
    },
    Task {
        name: "tags",
        title: "Personal search: a tag as the query, with the history of its user",
        about: "A MovieLens user tagged a movie. The tag is the query, the user's events before it are the history, \
                the tagged movie is relevant. Most users rated the movie just before they tagged it, so the history \
                alone is strong. A few users wrote many of the tags; intervals resample users. Weights were chosen on \
                half of the tags.",
        setup: search::tags,
    },
    Task {
        name: "retail",
        title: "Next new item: gift shop",
        about: "Each customer's first purchase after 2010-11-01 of an item that is new to them. All lines of a basket \
                have one time and stand in order of item number, so \"what comes next\" partly learns that order, in \
                the co-visit baseline and in `rank` alike.",
        setup: shop::next_item,
    },
    Task {
        name: "rebuys",
        title: "Next item with re-buys: gift shop",
        about: "Each customer's first purchase after 2010-11-01, items that they bought before included.",
        setup: shop::rebuys,
    },
    Task {
        name: "movies",
        title: "Next movie: MovieLens latest-small",
        about: "The last movie that each user rated.",
        setup: movies::next_movie,
    },
    Task {
        name: "ml100k",
        title: "Next movie: MovieLens 100k",
        about: "The last movie that each user rated, in the data set of the demo. No weight was chosen on it.",
        setup: movies::next_movie_100k,
    },
    Task {
        name: "cold-items",
        title: "New items: a tenth of the shop is hidden",
        about: "The events of a tenth of the items are hidden from every system; they are the targets. `rank` reserves \
                up to 30 % of each list for items without events, where they fit the request (fit of at least 0.53; \
                both chosen on earlier data, decision 0021).",
        setup: shop::cold_items,
    },
    Task {
        name: "warm-items",
        title: "New items: what their places cost the others",
        about: "The next new item of each customer, as above, in a shop where a tenth of the items have no events at \
                all, as if they had been added today. The places that `rank` reserves for them are lost to the \
                targets.",
        setup: shop::warm_items,
    },
    Task {
        name: "anonymous",
        title: "First visit: anonymous users of the gift shop",
        about: "Each basket counts as a user of its own, and its first item is asked for. The lines of a basket have \
                one time; a hash decides which is the first.",
        setup: shop::anonymous,
    },
    Task {
        name: "cold-start",
        title: "First visit: cold-start users of MovieLens latest-small",
        about: "The first movie of each user who arrived in the later half. All earlier users go on as one user, so \
                that their events count. The weights of a first visit were chosen with a look at this data (decision \
                0028).",
        setup: movies::cold_start,
    },
    Task {
        name: "cold-start-100k",
        title: "First visit: cold-start users of MovieLens 100k",
        about: "The same on the data set of the demo.",
        setup: movies::cold_start_100k,
    },
];

/// The names of all tasks, for messages.
pub fn names() -> String {
    ALL.map(|task| task.name).join(", ")
}
