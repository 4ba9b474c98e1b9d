//! The way of a request through the stages, in order: understand, retrieve, rank, rerank, respond.

use std::time::Instant;

use crate::api::candidate::Scored;
use crate::api::ranking::{Ranking, Took};
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::random::hex_id;
use crate::base::watch;
use crate::rank::{self, Features, Question};
use crate::rerank::rerank;
use crate::respond::{impression, respond};
use crate::retrieve::retrieve;
use crate::store::Stores;
use crate::store::snapshot::Snapshot;
use crate::understand::{RequestCx, Understood};

/// Answers several requests from one snapshot, with one pass of the model over all their candidates.
pub(crate) fn rank_many(stores: &Stores, requests: &[Request]) -> Result<Vec<Ranking>> {
    let mut clock = Clock::start();
    let snapshot = Snapshot::pin(stores)?;
    let asked = score_all(&snapshot, requests, &mut clock)?;
    let mut answers = Vec::with_capacity(asked.len());
    let mut shown = Vec::new();
    for (Candidates { understood, scored, features }, request) in asked.into_iter().zip(requests) {
        watch::check()?;
        let rank_id = hex_id();
        let cx = RequestCx { snapshot: &snapshot, request, understood: &understood };
        let mut page = rerank(cx, &rank_id, scored)?;
        clock.took.rank_us += clock.lap();
        if request.explain {
            rank::leave_out(cx, &mut page.hits)?;
        }
        let impression = impression(cx, &page, &rank_id, features);
        let (places, ranking) = (page.hits.len(), respond(cx, page, rank_id)?);
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
    pub understood: Understood,
    /// Best first.
    pub scored: Vec<Scored>,
    /// Hash of the features.
    pub features: u64,
}

/// The stages from the request to its scored candidates.
pub(crate) fn score_all(snapshot: &Snapshot, requests: &[Request], clock: &mut Clock) -> Result<Vec<Candidates>> {
    let read = |request| watch::check().and_then(|()| Understood::read(snapshot, request));
    let understood = requests.iter().map(read).collect::<Result<Vec<_>>>()?;
    clock.took.context_us = clock.lap();
    score_read(snapshot, requests, understood, clock)
}

/// The stages from the request, understood, to its scored candidates.
pub(crate) fn score_read(
    snapshot: &Snapshot,
    requests: &[Request],
    understood: Vec<Understood>,
    clock: &mut Clock,
) -> Result<Vec<Candidates>> {
    let contexts = requests.iter().zip(&understood);
    let contexts: Vec<RequestCx> =
        contexts.map(|(request, understood)| RequestCx { snapshot, request, understood }).collect();
    let candidates =
        contexts.iter().map(|cx| watch::check().and_then(|()| retrieve(*cx))).collect::<Result<Vec<_>>>()?;
    clock.took.retrieve_us = clock.lap();

    let describe = |(cx, candidates): (&RequestCx, &Vec<_>)| {
        watch::check()?;
        Features::read(*cx, candidates)
    };
    let features = contexts.iter().zip(&candidates).map(describe).collect::<Result<Vec<_>>>()?;
    clock.took.features_us = clock.lap();

    let asked = contexts.iter().zip(&features);
    let questions: Vec<Question> =
        asked.map(|(cx, features)| Question { cx: *cx, features, explain: cx.request.explain }).collect();
    watch::check()?;
    let scored = rank::score(&questions, candidates)?;
    let hashes: Vec<u64> = features.iter().map(Features::hash).collect();
    let asked = understood.into_iter().zip(scored).zip(hashes);
    let asked = asked.map(|((understood, scored), features)| Candidates { understood, scored, features }).collect();
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
