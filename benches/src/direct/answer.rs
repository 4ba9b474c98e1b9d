//! One whole request by direct calls: the reads, searches and model runs of the engine, in the same four stages, without
//! its checks, its overlays and its bookkeeping.

use std::time::Instant;

use super::Opened;
use super::catalog::Pin;
use super::model::{FEATURES, History, WIDTH};
use crate::Result;

/// Events of a history.
const EVENTS: usize = 50;
/// Candidates that are scored: the engine's default.
const BUDGET: usize = 200;
/// Hits of an answer.
const HITS: usize = 10;
/// Rows of the model for a click and a purchase.
const CLICK: i64 = 2;
const BUY: i64 = 4;

/// A request.
pub struct Question<'q> {
    pub query: Option<&'q str>,
    pub user: Option<String>,
    pub tag: Option<&'q str>,
    /// Milliseconds since the epoch.
    pub now: u64,
}

/// Microseconds of each stage: context, retrieve, rank, respond; and how many candidates were scored.
pub struct Answer {
    pub stages: [f64; 4],
    pub candidates: usize,
}

/// What the first stage found out.
struct Context {
    words: Vec<String>,
    query: Option<Vec<f32>>,
    history: History,
    taste: Option<Vec<f32>>,
    tagged: Option<Vec<u64>>,
}

/// Candidates, each with its BM25 when the text search has said it.
type Candidates = Vec<(u64, Option<f32>)>;

impl Opened {
    /// Answers a request.
    pub fn answer(&self, question: &Question<'_>) -> Result<Answer> {
        let mut clock = Instant::now();
        let mut lap = || {
            let micros = clock.elapsed().as_secs_f64() * 1e6;
            clock = Instant::now();
            micros
        };
        let pin = self.catalog.pin()?;
        let context = self.context(&pin, question)?;
        let first = lap();
        let candidates = self.retrieve(&pin, question, &context)?;
        let second = lap();
        let best = self.rank(&pin, question, &context, &candidates)?;
        let third = lap();
        for key in &best {
            self.catalog.record(&pin, *key)?.ok_or("a hit without a record")?;
        }
        let stages = [first, second, third, lap()];
        Ok(Answer { stages, candidates: candidates.len() })
    }

    fn context(&self, pin: &Pin<'_>, question: &Question<'_>) -> Result<Context> {
        let mut history = History::default();
        if let Some(user) = &question.user {
            let mut past = self.catalog.history(pin, user, EVENTS)?;
            past.reverse();
            history.vectors.resize(past.len() * WIDTH, 0.0);
            for (event, place) in past.iter().zip(history.vectors.chunks_exact_mut(WIDTH)) {
                self.catalog.vector(pin, event.item, place)?;
                history.actions.push(if event.bought { BUY } else { CLICK });
                let seconds = question.now.saturating_sub(event.time) as f64 / 1000.0;
                history.gaps.push(((1.0 + seconds).log2() as i64).min(31));
            }
        }
        let words = question.query.map(|text| self.text.words(text)).unwrap_or_default();
        let tokens = question.query.map(|text| self.model.tokens(text)).transpose()?.unwrap_or_default();
        let (mut query, mut taste) = (None, None);
        if !tokens.is_empty() || !history.actions.is_empty() {
            let (of_query, of_history) = self.model.context(&tokens, &history)?;
            query = question.query.is_some().then_some(of_query);
            taste = question.user.is_some().then_some(of_history);
        }
        let tagged = question.tag.map(|tag| self.text.tagged(tag)).transpose()?;
        Ok(Context { words, query, history, taste, tagged })
    }

    fn retrieve(&self, pin: &Pin<'_>, question: &Question<'_>, context: &Context) -> Result<Candidates> {
        let mut found = Candidates::new();
        if let Some(query) = &context.query {
            let hits = self.text.search(&context.words, question.tag, BUDGET / 2)?;
            found.extend(hits.into_iter().map(|(key, score)| (key, Some(score))));
            found.extend(self.nearest(pin, query, context, BUDGET / 2)?);
        }
        if let Some(taste) = &context.taste {
            let share = if context.query.is_some() { BUDGET / 4 } else { BUDGET * 2 / 5 };
            found.extend(self.nearest(pin, taste, context, share)?);
        }
        if context.query.is_none() {
            let share = if context.taste.is_some() { BUDGET / 4 } else { BUDGET * 2 / 5 };
            found.extend(self.lists(pin, context, share)?);
        }
        if let Some(tagged) = context.tagged.as_ref().filter(|tagged| tagged.len() <= BUDGET) {
            found.extend(tagged.iter().map(|key| (*key, None)));
        }
        // What the text search found comes first, so it is what stays of equal keys.
        let mut seen = std::collections::HashSet::new();
        found.retain(|(key, _)| seen.insert(*key));
        Ok(found)
    }

    /// Neighbours by the graph, or exactly among the few that a filter leaves.
    fn nearest(&self, pin: &Pin<'_>, vector: &[f32], context: &Context, k: usize) -> Result<Candidates> {
        let Some(tagged) = &context.tagged else {
            return Ok(self.graph.nearest(vector, k)?.into_iter().map(|key| (key, None)).collect());
        };
        let mut stored = [0.0; WIDTH];
        let mut scored = Vec::with_capacity(tagged.len());
        for key in tagged {
            if self.catalog.vector(pin, *key, &mut stored)? {
                scored.push((dot(vector, &stored), *key));
            }
        }
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        Ok(scored.into_iter().take(k).map(|(_, key)| (key, None)).collect())
    }

    /// Both popular lists and the fresh one; of the few that a filter leaves, each is looked up.
    fn lists(&self, pin: &Pin<'_>, context: &Context, share: usize) -> Result<Candidates> {
        let fresh = BUDGET * 3 / 20;
        let Some(tagged) = &context.tagged else {
            let lists = [
                self.catalog.popular(pin, 0, share)?,
                self.catalog.popular(pin, 1, share)?,
                self.catalog.fresh(pin, fresh)?,
            ];
            return Ok(lists.concat().into_iter().map(|key| (key, None)).collect());
        };
        let mut popular = Vec::with_capacity(tagged.len());
        for key in tagged {
            self.catalog.head(pin, *key)?;
            popular.push((self.catalog.masses(pin, *key)?.0, *key));
        }
        popular.sort_unstable_by(|a, b| b.cmp(a));
        let newest = tagged.iter().rev().take(fresh).copied();
        let keys = popular.iter().take(2 * share).map(|(_, key)| *key).chain(newest);
        Ok(keys.map(|key| (key, None)).collect())
    }

    /// Reads what the model wants to know of each candidate, scores them in one run, and returns the best.
    fn rank(&self, pin: &Pin<'_>, question: &Question<'_>, context: &Context, found: &Candidates) -> Result<Vec<u64>> {
        let mut bm25: Vec<f32> = found.iter().map(|(_, score)| score.unwrap_or(0.0)).collect();
        if context.query.is_some() {
            let silent: Vec<usize> = (0..found.len()).filter(|at| found[*at].1.is_none()).collect();
            let keys: Vec<u64> = silent.iter().map(|at| found[*at].0).collect();
            let scores = self.text.score(&context.words, &keys)?;
            silent.into_iter().zip(scores).for_each(|(at, score)| bm25[at] = score);
        }
        let mut vectors = vec![0.0; found.len() * WIDTH];
        let mut features = Vec::with_capacity(found.len() * FEATURES);
        for (((key, _), bm25), place) in found.iter().zip(bm25).zip(vectors.chunks_exact_mut(WIDTH)) {
            let missing = !self.catalog.vector(pin, *key, place)?;
            let (week, quarter) = self.catalog.masses(pin, *key)?;
            let fresh = self.catalog.head(pin, *key)?.is_some();
            let seen = match &question.user {
                Some(user) => self.catalog.has_had(pin, user, *key)?,
                None => false,
            };
            let flag = |set: bool| if set { 1.0 } else { 0.0 };
            let popular = [week, quarter].map(|mass| (mass as f32).ln_1p() / 16.0);
            // In the model's order; what the direct side does not count is zero, and costs the model the same.
            let mut row = [0.0; FEATURES];
            row[..7].copy_from_slice(&[bm25 / 32.0, 0.0, popular[0], popular[1], 0.0, 0.5, flag(fresh)]);
            (row[11], row[17]) = (flag(seen), flag(missing));
            features.extend(row);
        }
        let scores = self.model.score(context.query.as_deref(), &context.history, &vectors, &features)?;
        let mut order: Vec<(f32, u64)> = scores.into_iter().zip(found).map(|(score, (key, _))| (score, *key)).collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        Ok(order.into_iter().take(HITS).map(|(_, key)| key).collect())
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}
