//! The log that is replayed, as plain data with dense numbers.

use crate::api::event::{Action, Segments};
use crate::base::random::Seeded;
use crate::base::time::Timestamp;

/// Items, users and events of a store, read once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// The catalog; an item's place is its number.
    pub items: Vec<LogItem>,
    /// Ids of users; a user's place is its number.
    pub users: Vec<String>,
    /// In order of time; events of one time in order of logging.
    pub events: Vec<LogEvent>,
    /// Sets of segments that events name; a set's place is its number.
    pub segments: Vec<Segments>,
    /// The items' vectors.
    pub vectors: Vectors,
    /// Events of items that are not in the catalog, which were left out.
    pub unknown_items: usize,
}

/// An item, as far as measuring needs it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogItem {
    pub id: String,
    /// Since when it is available.
    pub available: Timestamp,
    /// Numbers of its categories.
    pub categories: Vec<u32>,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogEvent {
    pub user: u32,
    /// `None` for a search.
    pub item: Option<u32>,
    pub action: Action,
    pub query: Option<String>,
    pub value: Option<f64>,
    pub time: Timestamp,
    /// It is negative feedback on the item.
    pub negative: bool,
    /// The purchase that it belongs to.
    pub basket: Option<u32>,
    /// The set of segments that it names.
    pub segments: Option<u32>,
}

impl LogEvent {
    /// The item of a positive event: what popularity and co-occurrence count, and what can be a target.
    pub(crate) fn wanted(&self) -> Option<usize> {
        self.item.filter(|_| !self.negative).map(|item| item as usize)
    }
}

/// Vectors of unit length, one for each item; zeros for an item that has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Vectors {
    width: usize,
    values: Vec<f32>,
}

impl Vectors {
    /// Room for `items` vectors of `width` components.
    pub(crate) fn zeros(items: usize, width: usize) -> Vectors {
        Vectors { width, values: vec![0.0; items * width] }
    }

    /// Sets the vector of an item; one of another width is passed over.
    pub(crate) fn set(&mut self, item: usize, vector: &[f32]) {
        if let Some(place) = self.values.get_mut(item * self.width..(item + 1) * self.width)
            && vector.len() == self.width
        {
            place.copy_from_slice(vector);
        }
    }

    /// The vector of an item, when it has one.
    pub(crate) fn get(&self, item: usize) -> Option<&[f32]> {
        let vector = self.values.get(item * self.width..(item + 1) * self.width)?;
        vector.iter().any(|x| *x != 0.0).then_some(vector)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The product of every item's vector with `query`, written to `into`.
    pub(crate) fn products(&self, query: &[f32], into: &mut [f32]) {
        for (score, vector) in into.iter_mut().zip(self.values.chunks_exact(self.width.max(1))) {
            *score = dot(vector, query);
        }
    }
}

/// The dot product, in eight sums so that it can be vectorised.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + rest
}

impl Log {
    /// Drops what happened after `until`.
    pub(crate) fn cut(&mut self, until: Timestamp) {
        self.events.retain(|event| event.time <= until);
    }

    /// Share of events whose user has another event of the same millisecond.
    pub(crate) fn same_time_share(&self) -> f64 {
        let mut stamps: Vec<(u32, Timestamp)> = self.events.iter().map(|event| (event.user, event.time)).collect();
        stamps.sort_unstable();
        let shared: usize = stamps.chunk_by(|a, b| a == b).map(<[_]>::len).filter(|len| *len > 1).sum();
        shared as f64 / stamps.len().max(1) as f64
    }

    /// The same log up to event `from`, and another future: half as many events, with random users and items. A shuffle would
    /// not do: counts over the whole log, the most common leak, are the same in every order.
    pub(crate) fn with_another_future(&self, from: usize, seed: u64) -> Log {
        let mut random = Seeded::new(seed);
        let mut other = self.clone();
        let mut place = 0;
        other.events.retain(|_| {
            place += 1;
            place <= from || random.below(2) == 0
        });
        for event in other.events.iter_mut().skip(from) {
            event.user = random.below(self.users.len()) as u32;
            event.item = event.item.map(|_| random.below(self.items.len()) as u32);
        }
        other
    }
}
