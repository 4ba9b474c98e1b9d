//! The data of a run: made from a seed, so that both sides, which are processes of their own, have the same.

use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal, Zipf};

use crate::{Result, words};

const SEED: u64 = 20_261_124;
/// Categories; every item has exactly one, so that one category is exactly 1 % of the items.
pub const CATEGORIES: usize = 100;
/// Users that the ranks are asked for, and the events that each of them has: more than the 50 that the model reads.
pub const READERS: usize = 64;
const EVENTS_OF_A_READER: usize = 60;
/// Distinct queries.
const QUERIES: usize = 512;
/// Width of the vectors that the caller gives.
pub const OWN_WIDTH: usize = 128;
/// How many items share a centre, on average, and how far they stray from it (a centre has length one).
const CLUSTER: usize = 100;
const SPREAD: f32 = 0.6;

/// One item.
pub struct Row {
    /// 4 to 12 words.
    pub title: String,
    /// The place of its category in [`Dataset::categories`].
    pub category: usize,
    pub price: f64,
}

/// One event.
#[derive(Clone, Copy)]
pub struct Visit {
    pub user: usize,
    pub item: usize,
    /// Bought, not only clicked.
    pub bought: bool,
    /// Days before the run.
    pub days: f64,
}

/// Everything that is put, logged and asked.
pub struct Dataset {
    pub items: Vec<Row>,
    pub categories: Vec<String>,
    pub visits: Vec<Visit>,
    pub queries: Vec<String>,
}

/// The id of an item.
pub fn item_id(item: usize) -> String {
    format!("item-{item:07}")
}

/// The id of a user.
pub fn user_id(user: usize) -> String {
    format!("user-{user:06}")
}

impl Dataset {
    /// Makes the data of a run of `count` items; `data` is the folder that may hold the retail titles.
    ///
    /// # Errors
    /// When the words cannot be read.
    pub fn new(count: usize, data: &Path) -> Result<Dataset> {
        let vocabulary = words::vocabulary()?;
        let retail = words::retail_titles(data)?;
        let mut rng = StdRng::seed_from_u64(SEED ^ count as u64);
        // The least frequent words of the vocabulary make names that titles hardly use.
        let categories: Vec<String> = vocabulary.iter().rev().take(CATEGORIES).cloned().collect();
        let mut titles = Titles { vocabulary: &vocabulary, zipf: Zipf::new(vocabulary.len() as f64, 1.0)? };
        let items: Vec<Row> = (0..count)
            .map(|item| Row {
                title: match &retail {
                    Some(real) if item % 2 == 1 => titles.perturbed(real, &mut rng),
                    _ => titles.invented(&mut rng),
                },
                category: item % CATEGORIES,
                price: f64::from(rng.random_range(50..20_000)) / 100.0,
            })
            .collect();
        let queries = (0..QUERIES).map(|_| query(&items, &mut rng)).collect();
        let visits = visits(count, &mut rng)?;
        Ok(Dataset { items, categories, visits, queries })
    }

    /// The `number`th event that somebody logs by itself: skewed like all others, and by users who are not asked for.
    pub fn single_visit(&self, number: usize) -> Visit {
        let first = READERS * EVENTS_OF_A_READER;
        // There are always more than the readers' events.
        let place = first + number % (self.visits.len() - first).max(1);
        Visit { days: 0.0, ..self.visits[place] }
    }

    /// The text that the engine embeds for an item: its text and tag fields in the order of their names.
    pub fn text(&self, item: usize) -> String {
        let row = &self.items[item];
        format!("{}\n{}\n", self.categories[row.category], row.title)
    }
}

/// Makes titles.
struct Titles<'v> {
    vocabulary: &'v [String],
    zipf: Zipf<f64>,
}

impl Titles<'_> {
    fn word(&self, rng: &mut StdRng) -> &str {
        // Zipf answers 1 to the number of words.
        let place = (self.zipf.sample(rng) as usize).clamp(1, self.vocabulary.len());
        &self.vocabulary[place - 1]
    }

    fn invented(&mut self, rng: &mut StdRng) -> String {
        let words: Vec<&str> = (0..rng.random_range(4..=12)).map(|_| self.word(rng)).collect();
        words.join(" ")
    }

    /// A real title with a third of its words replaced, and with one or two more: 4 to 12 words.
    fn perturbed(&mut self, real: &[String], rng: &mut StdRng) -> String {
        let title = real.choose(rng).map_or("", String::as_str);
        let mut words: Vec<String> = title.split_whitespace().take(10).map(str::to_lowercase).collect();
        for word in &mut words {
            if rng.random_bool(1.0 / 3.0) {
                *word = self.word(rng).to_owned();
            }
        }
        let more = rng.random_range(1..=2usize).max(4usize.saturating_sub(words.len()));
        words.extend((0..more).map(|_| self.word(rng).to_owned()));
        words.join(" ")
    }
}

/// Two or three words of a title.
fn query(items: &[Row], rng: &mut StdRng) -> String {
    let words: Vec<&str> = items.choose(rng).map_or("", |row| row.title.as_str()).split(' ').collect();
    let wanted = rng.random_range(2..=3);
    let picked: Vec<&str> = words.choose_multiple(rng, wanted).copied().collect();
    picked.join(" ")
}

/// Events of the readers, and of others whose number falls from user to user. Some items are visited far more often
/// than others.
fn visits(items: usize, rng: &mut StdRng) -> Result<Vec<Visit>> {
    let popular = Zipf::new(items as f64, 1.0)?;
    let others = (items / 10).max(100);
    let busy = Zipf::new(others as f64, 0.8)?;
    let count = items.clamp(20_000, 200_000);
    // A multiplication modulo a prime scatters the popular items over all keys.
    let scatter = |rank: usize| rank.wrapping_mul(1_000_003) % items;
    let visit = |user: usize, rng: &mut StdRng| Visit {
        user,
        item: scatter(popular.sample(rng) as usize),
        bought: rng.random_bool(0.1),
        days: rng.random_range(0.0..60.0),
    };
    let mut all: Vec<Visit> = (0..READERS * EVENTS_OF_A_READER).map(|event| visit(event % READERS, rng)).collect();
    for _ in all.len()..count {
        let user = READERS + busy.sample(rng) as usize;
        all.push(visit(user, rng));
    }
    Ok(all)
}

/// `count` clustered vectors of length one, row by row: what a caller with a model of its own would put.
///
/// # Errors
/// When the distribution refuses its parameters.
pub fn clustered(count: usize) -> Result<Vec<f32>> {
    let mut rng = StdRng::seed_from_u64(SEED.wrapping_mul(31) ^ count as u64);
    let centres = (count / CLUSTER).max(1);
    let centre: Vec<f32> = (0..centres * OWN_WIDTH).map(|_| StandardNormal.sample(&mut rng)).collect();
    let mut all = Vec::with_capacity(count * OWN_WIDTH);
    for _ in 0..count {
        let at = rng.random_range(0..centres) * OWN_WIDTH;
        let start = all.len();
        for value in &centre[at..at + OWN_WIDTH] {
            let noise: f32 = StandardNormal.sample(&mut rng);
            all.push(value + SPREAD * noise);
        }
        let norm = all[start..].iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        all[start..].iter_mut().for_each(|x| *x /= norm);
    }
    Ok(all)
}
