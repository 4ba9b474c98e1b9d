//! A small open store for the unit tests of the stages: its items, its log, and the context of a request.

use std::collections::HashSet;
use std::sync::Arc;

use crate::api::candidate::{Candidate, Marks, Scored};
use crate::api::config::Config;
use crate::api::event::{Action, Event};
use crate::api::item::{Item, Value};
use crate::api::ranking::Ranking;
use crate::api::request::Request;
use crate::base::id::ItemKey;
use crate::base::random::Seeded;
use crate::base::time::Timestamp;
use crate::core::Core;
use crate::ingest::{prepare_delete, prepare_events, prepare_items, prepare_scenario};
use crate::pipeline;
use crate::store::Stores;
use crate::store::snapshot::Snapshot;
use crate::understand::{RequestCx, Understood};

const NOUNS: [&str; 12] =
    ["shoe", "boot", "teapot", "kettle", "backpack", "tent", "novel", "camera", "guitar", "sofa", "lamp", "drill"];
const ADJECTIVES: [&str; 12] =
    ["red", "blue", "leather", "wooden", "electric", "small", "heavy", "antique", "cheap", "soft", "bright", "steel"];

/// An item whose title is a noun, which repeats every twelve, and two adjectives.
pub(crate) fn thing(n: usize) -> Item {
    let (noun, first, second) = (NOUNS[n % 12], ADJECTIVES[n / 12 % 12], ADJECTIVES[(n / 144 + n) % 12]);
    Item::new(format!("thing-{n}")).text("title", format!("{first} {second} {noun}")).number("n", n as f64)
}

/// [`thing`], available since so many days before [`now`].
pub(crate) fn dated(n: usize, days: f64) -> Item {
    thing(n).with("released", Value::Date(ago(days)))
}

/// The time of the requests. It lies in the past, so that nothing depends on the clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1.7e9)
}

/// So many days before [`now`].
pub(crate) fn ago(days: f64) -> Timestamp {
    Timestamp::from_seconds(1.7e9 - days * 86_400.0)
}

/// A request as of [`now`].
pub(crate) fn request() -> Request {
    Request::new().now(now()).unlogged()
}

/// An event on `thing-n`, so many days before [`now`].
pub(crate) fn event(user: &str, action: Action, n: usize, days: f64) -> Event {
    Event::new(user, action).item(format!("thing-{n}")).at(ago(days))
}

/// Views and purchases of twelve users on the first `items` things, over a year.
pub(crate) fn random_log(seed: u64, items: usize, events: usize) -> Vec<Event> {
    let mut seeded = Seeded::new(seed);
    let mut one = |_| {
        let action = if seeded.below(4) == 0 { Action::Buy } else { Action::View };
        // The product of two draws favours the first things.
        let n = seeded.below(items) * seeded.below(items) / items;
        event(&format!("user-{}", seeded.below(12)), action, n, 1.0 + seeded.below(365_000) as f64 / 1000.0)
    };
    (0..events).map(&mut one).collect()
}

/// A store in a directory of its own, which goes away with it.
pub(crate) struct Shop {
    pub core: Core,
    pub stores: Arc<Stores>,
    _dir: tempfile::TempDir,
}

impl Shop {
    /// An empty store; items are available since their field `released`.
    pub(crate) fn open(set: impl FnOnce(&mut Config)) -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { sessions: 1, index_threads: 1, ..Config::default() };
        config.date_field = Some("released".to_owned());
        set(&mut config);
        let core = Core::open(&dir.path().join("db"), config).unwrap();
        let stores = core.access().unwrap().stores.clone();
        Shop { core, stores, _dir: dir }
    }

    /// A store of so many things; the first is a day old and each is a day older than the one before it.
    pub(crate) fn of(items: usize) -> Shop {
        let shop = Shop::open(|_| {});
        shop.put((0..items).map(|n| dated(n, n as f64 + 1.0)));
        shop
    }

    pub(crate) fn put(&self, items: impl IntoIterator<Item = Item>) {
        let prepared = prepare_items(&self.stores, items.into_iter().collect()).unwrap();
        self.core.access().unwrap().writer().unwrap().put(prepared).unwrap();
    }

    pub(crate) fn delete(&self, ids: &[&str]) -> usize {
        self.core.access().unwrap().writer().unwrap().delete(prepare_delete(ids).unwrap()).unwrap()
    }

    pub(crate) fn log(&self, events: impl IntoIterator<Item = Event>) {
        let events = prepare_events(&self.stores.config, events.into_iter().collect()).unwrap();
        self.core.access().unwrap().writer().unwrap().log(events, None).unwrap();
    }

    pub(crate) fn set_scenario(&self, name: &str, rules: &[crate::api::rule::Rule]) {
        let (name, rules) = prepare_scenario(name, rules).unwrap();
        self.core.access().unwrap().writer().unwrap().set_scenario(name, rules).unwrap();
    }

    /// Applies the journal, and rebuilds what is rebuilt in the background.
    pub(crate) fn settle(&self) {
        self.core.flush().unwrap();
        self.core.rebuild_cooccurrence().unwrap();
    }

    /// The key of an id that was put or logged.
    pub(crate) fn key(&self, id: &str) -> ItemKey {
        self.stores.catalog.read().unwrap().view().item_key(id).unwrap().unwrap()
    }

    /// The key of `thing-n`.
    pub(crate) fn nth(&self, n: usize) -> ItemKey {
        self.key(&format!("thing-{n}"))
    }

    /// The id of a key.
    pub(crate) fn id(&self, key: ItemKey) -> String {
        self.stores.catalog.read().unwrap().view().item(key).unwrap().unwrap().item.id
    }

    /// The numbers of things, in the order of their keys.
    pub(crate) fn numbers(&self, keys: impl IntoIterator<Item = ItemKey>) -> Vec<usize> {
        keys.into_iter().map(|key| self.id(key).trim_start_matches("thing-").parse().unwrap()).collect()
    }

    /// Reads a request, and looks at its context.
    pub(crate) fn ask<T>(&self, request: &Request, look: impl FnOnce(RequestCx) -> T) -> T {
        let snapshot = Snapshot::pin(&self.stores).unwrap();
        let understood = Understood::read(&snapshot, request).unwrap();
        look(RequestCx { snapshot: &snapshot, request, understood: &understood })
    }

    /// The name and the text of the error that reading a request ends in.
    pub(crate) fn refuses(&self, request: &Request) -> (&'static str, String) {
        let snapshot = Snapshot::pin(&self.stores).unwrap();
        let error = Understood::read(&snapshot, request).err().expect("is refused");
        (error.name(), error.to_string())
    }

    pub(crate) fn rank(&self, request: &Request) -> Ranking {
        pipeline::rank_many(&self.stores, std::slice::from_ref(request)).unwrap().remove(0)
    }

    /// The ids of a ranking, best first.
    pub(crate) fn ids(&self, request: &Request) -> Vec<String> {
        self.rank(request).hits.into_iter().map(|hit| hit.id).collect()
    }
}

/// A candidate with a score, of no source.
pub(crate) fn scored(key: u64, score: f32) -> Scored {
    let candidate = Candidate { key: ItemKey(key), proposals: Vec::new() };
    Scored { candidate, score, contributions: Vec::new(), marks: Marks::default() }
}

/// Whether no two are the same.
pub(crate) fn all_differ<T: std::hash::Hash + Eq>(list: &[T]) -> bool {
    list.iter().collect::<HashSet<_>>().len() == list.len()
}

/// Whether two numbers are the same but for rounding.
pub(crate) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-5 * (1.0 + a.abs().max(b.abs()))
}
