//! What a device does to a run (inputs without defaults, filled up, bound, cut back), on the CPU: the results are the same.

use std::sync::OnceLock;

use super::network::{adapter, trained::Trained};
use super::{assert_close, history, numbers, shipped, unit_vectors};
use crate::api::config::Config;
use crate::model::contract::LEVELS;
use crate::model::{Adapter, AdapterFiles, ContextInput, Files, HistoryInput, Model, ScoreInput, session};

/// Sums over filled-up rows are taken in another order.
const ROUNDING: f32 = 1e-5;

/// The shipped model on a device that is the CPU. Opening it has compared the probe already.
pub(super) fn bound() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| on_device(&Files::read(None).unwrap(), 2))
}

fn on_device(files: &Files, sessions: usize) -> Model {
    Model::open_by(session::open_bound, &Config { sessions, ..Config::default() }, files).unwrap()
}

/// A trained file, as usual and on a device.
struct Pair {
    plain: Model,
    bound: Model,
    adapters: [[Adapter; 2]; 2],
}

fn trained() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        Trained::new("1", 0.5).write(folder.path()).unwrap();
        let files = Files::read(Some(folder.path())).unwrap();
        let plain = Model::open(&Config { sessions: 1, ..Config::default() }, &files).unwrap();
        let bound = on_device(&files, 1);
        let adapters = [&plain, &bound].map(|model| {
            [7, 8].map(|seed| {
                let tensors = adapter::tensors(model.width(), seed);
                let path = adapter::write(folder.path(), &seed.to_string(), &model.stats().sha256, &tensors).unwrap();
                model.adapter(&AdapterFiles::read(&path).unwrap()).unwrap()
            })
        });
        Pair { plain, bound, adapters }
    })
}

/// One request's numbers.
pub(super) struct Given {
    query: Vec<f32>,
    events: Vec<f32>,
    vectors: Vec<f32>,
    features: Vec<f32>,
    sids: Vec<Option<[u8; LEVELS]>>,
}

impl Given {
    pub(super) fn new(model: &Model, seed: u64, events: usize, candidates: usize) -> Given {
        let (d, f) = (model.width(), model.features().len());
        let sid = |index: usize| (!index.is_multiple_of(3)).then_some([(index % 256) as u8, 7, (index % 5) as u8]);
        Given {
            query: unit_vectors(seed + 1, 1, d),
            events: unit_vectors(seed + 2, events, d),
            vectors: unit_vectors(seed + 3, candidates, d),
            features: numbers(seed + 4, candidates * f).iter().map(|value| value.abs()).collect(),
            sids: (0..candidates).map(sid).collect(),
        }
    }

    pub(super) fn input<'a>(&'a self, history: &'a [HistoryInput<'a>], asked: bool) -> ScoreInput<'a> {
        ScoreInput {
            query: asked.then_some(&self.query[..]),
            history,
            cand_vec: &self.vectors,
            cand_feat: &self.features,
            cand_sid: &self.sids,
            explain: true,
            weights: None,
            space: None,
            adapter: None,
        }
    }
}

/// A history of the request's events.
pub(super) fn past<'a>(given: &'a Given, width: usize) -> Vec<HistoryInput<'a>> {
    let mut events = history(&given.events, width, 4);
    for (index, event) in events.iter_mut().enumerate() {
        event.sid = index.is_multiple_of(2).then_some([index as u8, 1, 2]);
    }
    events
}

fn assert_same(plain: &Model, bound: &Model, inputs: &[ScoreInput]) {
    assert_within(ROUNDING, plain, bound, inputs);
}

/// Compares scores and contributions.
pub(super) fn assert_within(tolerance: f32, plain: &Model, bound: &Model, inputs: &[ScoreInput]) {
    let (expected, found) = (plain.score(inputs).unwrap(), bound.score(inputs).unwrap());
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_close(&found.scores, &expected.scores, tolerance);
        assert_close(&found.contributions, &expected.contributions, tolerance);
    }
}

#[test]
fn scores_are_the_same_at_every_edge() {
    for (plain, bound) in [(shipped(), bound()), (&trained().plain, &trained().bound)] {
        for events in [0, 1, 2, 15, 16, 17, 63, 64, 65, 199, 200, 201] {
            let given = Given::new(plain, events as u64, events, 5);
            let past = past(&given, plain.width());
            assert_same(plain, bound, &[given.input(&past, events % 2 == 0)]);
        }
        for candidates in [0, 1, 2, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025, 2049, 2500] {
            let given = Given::new(plain, candidates as u64, 3, candidates);
            let past = past(&given, plain.width());
            assert_same(plain, bound, &[given.input(&past, candidates % 2 == 0)]);
        }
        for requests in [2, 3, 4, 5, 16, 17, 64, 65] {
            let given: Vec<Given> =
                (0..requests).map(|i| Given::new(plain, 10 * i as u64, (i * 7) % 30, 1 + (i * 5) % 70)).collect();
            let pasts: Vec<Vec<HistoryInput>> = given.iter().map(|one| past(one, plain.width())).collect();
            let inputs: Vec<ScoreInput> =
                given.iter().zip(&pasts).enumerate().map(|(i, (one, past))| one.input(past, i % 3 == 0)).collect();
            assert_same(plain, bound, &inputs);
        }
    }
}

#[test]
fn a_request_whose_candidates_fill_several_runs_keeps_their_order() {
    let (plain, bound) = (shipped(), bound());
    let (large, small) = (Given::new(plain, 1, 2, 2_300), Given::new(plain, 50, 4, 1_024));
    let pasts = [past(&large, plain.width()), past(&small, plain.width())];
    let both = [large.input(&pasts[0], true), small.input(&pasts[1], true)];
    assert_same(plain, bound, &both);
    let quiet = both.map(|input| ScoreInput { explain: false, ..input });
    let found = bound.score(&quiet).unwrap();
    assert!(found.iter().all(|scores| scores.contributions.is_empty()));
    assert_same(plain, bound, &quiet);
}

#[test]
fn contexts_are_the_same() {
    for (plain, bound) in [(shipped(), bound()), (&trained().plain, &trained().bound)] {
        for (text, events) in [(None, 5), (Some("red shoes"), 0), (Some("red leather shoes"), 17), (Some(""), 201)] {
            let given = Given::new(plain, events as u64, events, 1);
            let past = past(&given, plain.width());
            for vector in [None, Some(&given.query[..])] {
                let input = ContextInput { text, vector, history: &past, space: None, adapter: None };
                let (expected, found) = (plain.context(&input).unwrap(), bound.context(&input).unwrap());
                for (found, expected) in [(&found.query, &expected.query), (&found.history, &expected.history)] {
                    assert_close(
                        found.as_deref().unwrap_or_default(),
                        expected.as_deref().unwrap_or_default(),
                        ROUNDING,
                    );
                }
                assert_eq!(found.learned.len(), expected.learned.len());
                assert_eq!(found.codes, expected.codes);
            }
        }
    }
}

#[test]
fn texts_and_contents_are_the_same() {
    let words = ["red", "leather", "shoes", "kitchen", "garden", "lamp"];
    let text = |i: usize| (0..i % 37).map(|j| words[(i + j) % words.len()]).collect::<Vec<_>>().join(" ");
    let mut texts: Vec<String> = (0..150).map(text).collect();
    texts[5] = "steel ".repeat(5_000);
    for count in [1, 2, 65, 150] {
        let (expected, found) = (shipped().embed(None, &texts[..count]), bound().embed(None, &texts[..count]));
        let mut contents = Vec::new();
        for (expected, found) in expected.unwrap().iter().zip(&found.unwrap()) {
            let (Some(expected), Some(found)) = (expected, found) else {
                assert_eq!(expected.is_some(), found.is_some());
                continue;
            };
            assert_close(&found.content, &expected.content, ROUNDING);
            assert_close(&found.item, &expected.item, ROUNDING);
            assert_eq!(found.sid, expected.sid);
            contents.extend_from_slice(&expected.content);
        }
        let (expected, found) = (shipped().project(None, &contents), bound().project(None, &contents));
        for ((expected, sid), (found, other)) in expected.unwrap().iter().zip(found.unwrap()) {
            assert_close(&found, expected, ROUNDING);
            assert_eq!(*sid, other);
        }
    }
}

/// How many tensors the one session of a model keeps on its device.
fn kept(model: &Model) -> usize {
    model.pool.with(|slot| Ok(slot.device().map_or(0, |device| device.kept()))).unwrap()
}

#[test]
fn what_stays_is_sent_once_and_nothing_of_a_request_stays() {
    let Pair { plain, bound, adapters } = trained();
    let given = Given::new(plain, 3, 6, 70);
    let past = past(&given, plain.width());
    let plain_scores = |adapter, input: ScoreInput| plain.score(&[ScoreInput { adapter, ..input }]).unwrap();
    let bound_scores = |adapter, input: ScoreInput| bound.score(&[ScoreInput { adapter, ..input }]).unwrap();
    let full = given.input(&past, true);
    for round in 0..2 {
        let before = kept(bound);
        for number in [0, 1] {
            let expected = plain_scores(Some(&adapters[0][number]), full);
            let found = bound_scores(Some(&adapters[1][number]), full);
            assert_close(&found[0].scores, &expected[0].scores, ROUNDING);
        }
        assert!(round == 0 || kept(bound) == before, "the second round sends nothing");
        // No adapter, no query and no history: none of the last run's.
        let bare = ScoreInput { query: None, history: &[], ..full };
        assert_close(&bound_scores(None, bare)[0].scores, &plain_scores(None, bare)[0].scores, ROUNDING);
    }
    // A space that is fed, and one that differs from it in a single number.
    let mut space = plain.shipped_space().clone();
    let texts = ["red leather shoes".to_owned()];
    for factor in [1.0, 3.0] {
        space.mean[0] += factor;
        let (expected, found) = (plain.embed(Some(&space), &texts), bound.embed(Some(&space), &texts));
        let item = |vectors: Vec<Option<crate::model::ItemVectors>>| vectors[0].clone().unwrap().item;
        assert_close(&item(found.unwrap()), &item(expected.unwrap()), ROUNDING);
    }
}

#[test]
fn a_failed_run_leaves_the_session_usable() {
    let (bound, d) = (bound(), bound().width());
    let huge = vec![f32::MAX; 2 * d];
    let features = numbers(2, 2 * bound.features().len());
    let given = Given::new(bound, 9, 2, 3);
    let past = past(&given, d);
    let good = given.input(&past, true);
    let expected = bound.score(&[good]).unwrap();
    for _ in 0..4 {
        let bad = ScoreInput { query: Some(&huge[..d]), cand_vec: &huge, cand_feat: &features, cand_sid: &[], ..good };
        drop(bound.score(&[bad]));
        assert_eq!(bound.score(&[good]).unwrap(), expected);
    }
}

#[test]
fn many_threads_get_what_one_gets() {
    std::thread::scope(|scope| {
        for thread in 0..6u64 {
            scope.spawn(move || {
                let given = Given::new(bound(), thread * 100, thread as usize * 9, 40 + thread as usize * 30);
                let past = past(&given, bound().width());
                let expected = bound().score(&[given.input(&past, true)]).unwrap();
                for _ in 0..5 {
                    assert_eq!(bound().score(&[given.input(&past, true)]).unwrap(), expected);
                }
            });
        }
    });
}

#[test]
fn a_file_whose_defaults_cannot_be_read_is_refused_by_name() {
    let files = Files::read(None).unwrap();
    let scanned = crate::model::scan::scan(&files.onnx, &[]).unwrap();
    let onnx = crate::model::defaults::without(&files.onnx, &files.manifest).unwrap();
    let rescanned = crate::model::scan::scan(&onnx, &[]).unwrap();
    let inputs = files.manifest.inputs.len();
    assert_eq!(rescanned.initializers.len() + inputs, scanned.initializers.len());
    assert_eq!(rescanned.nodes, scanned.nodes);
    let given = crate::model::defaults::defaults(&files.onnx, &scanned, &files.manifest).unwrap();
    assert_eq!(given.len(), inputs);
    let missing = crate::model::defaults::defaults(&onnx, &rescanned, &files.manifest).unwrap_err();
    assert!(missing.contains("text_ids"), "{missing}");
    assert!(crate::model::defaults::without(&files.onnx[..1000], &files.manifest).is_err());
}
