//! The way of a request through the stages, in order: understand, retrieve, rank, rerank, respond.

use std::time::Instant;

use crate::api::candidate::Scored;
use crate::api::ranking::{Ranking, Took};
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::random::hex_id;
use crate::rank::{self, Features, Question};
use crate::rerank::arrange;
use crate::respond::{impression, respond};
use crate::retrieve::retrieve;
use crate::store::Stores;
use crate::store::snapshot::Snapshot;
use crate::understand::Intent;

/// Answers several requests from one snapshot, with one pass of the model over all their candidates.
pub(crate) fn rank_many(stores: &Stores, requests: &[Request]) -> Result<Vec<Ranking>> {
    let mut clock = Clock::start();
    let snapshot = Snapshot::pin(stores)?;

    let asked = score_all(&snapshot, requests, &mut clock)?;
    let mut answers = Vec::with_capacity(asked.len());
    let mut shown = Vec::new();
    for (Candidates { intent, scored, features }, request) in asked.into_iter().zip(requests) {
        let rank_id = hex_id();
        let mut page = arrange(&snapshot, request, &intent, &rank_id, scored)?;
        clock.took.rank_us += clock.lap();
        if request.explain {
            rank::leave_out(&snapshot, &intent, &mut page.hits)?;
        }
        let impression = impression(&snapshot, (request, &intent), &page, &rank_id, features);
        let (places, ranking) = (page.hits.len(), respond(&snapshot, request, intent, page, rank_id)?);
        // A hit that was gone when it was read would put those after it at wrong places.
        shown.extend(impression.filter(|_| ranking.hits.len() == places));
        answers.push(ranking);
        clock.took.respond_us += clock.lap();
    }
    let answers = clock.stamp(answers);
    shown.into_iter().for_each(|impression| stores.impressions.send(impression));
    Ok(answers)
}

/// A request with its candidates.
pub(crate) struct Candidates {
    pub intent: Intent,
    /// Best first.
    pub scored: Vec<Scored>,
    /// Hash of the features.
    pub features: u64,
}

/// The stages from the request to its scored candidates.
pub(crate) fn score_all(snapshot: &Snapshot, requests: &[Request], clock: &mut Clock) -> Result<Vec<Candidates>> {
    let read = |request| Intent::read(snapshot, request);
    let intents = requests.iter().map(read).collect::<Result<Vec<_>>>()?;
    clock.took.context_us = clock.lap();
    score_read(snapshot, requests, intents, clock)
}

/// The stages from the request, understood, to its scored candidates.
pub(crate) fn score_read(
    snapshot: &Snapshot,
    requests: &[Request],
    intents: Vec<Intent>,
    clock: &mut Clock,
) -> Result<Vec<Candidates>> {
    let collect = |(intent, request)| retrieve(snapshot, intent, request);
    let candidates = intents.iter().zip(requests).map(collect).collect::<Result<Vec<_>>>()?;
    clock.took.retrieve_us = clock.lap();

    let describe = |(intent, candidates): (&Intent, &Vec<_>)| Features::read(snapshot, intent, candidates);
    let features = intents.iter().zip(&candidates).map(describe).collect::<Result<Vec<_>>>()?;
    clock.took.features_us = clock.lap();
    let asked = intents.iter().zip(&features).zip(requests);
    let questions: Vec<Question> =
        asked.map(|((intent, features), request)| Question { intent, features, explain: request.explain }).collect();
    let scored = rank::score(snapshot, &questions, candidates)?;
    let hashes: Vec<u64> = features.iter().map(Features::hash).collect();
    let asked = intents.into_iter().zip(scored).zip(hashes);
    let asked = asked.map(|((intent, scored), features)| Candidates { intent, scored, features }).collect();
    clock.took.rank_us = clock.took.features_us + clock.lap();
    Ok(asked)
}

/// Times the stages of a call.
pub(crate) struct Clock {
    start: Instant,
    last: Instant,
    took: Took,
}

impl Clock {
    /// Starts the first lap.
    pub(crate) fn start() -> Clock {
        let now = Instant::now();
        Clock { start: now, last: now, took: Took::default() }
    }

    /// Microseconds since the last lap.
    fn lap(&mut self) -> u64 {
        let now = Instant::now();
        let lap = now - self.last;
        self.last = now;
        lap.as_micros() as u64
    }

    /// Writes the times into the answers.
    fn stamp(mut self, mut answers: Vec<Ranking>) -> Vec<Ranking> {
        self.took.total_us = self.start.elapsed().as_micros() as u64;
        answers.iter_mut().for_each(|answer| answer.took = self.took);
        answers
    }
}
