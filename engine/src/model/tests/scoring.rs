//! Scores against the NumPy reference, and the rules that every scorer of this engine keeps.

use serde_json::Value;

use super::device::bound;
use super::{SCORING, assert_close, history, numbers, score_one, shipped, unit_vectors};
use crate::api::config::Config;
use crate::base::error::Error;
use crate::model::Files;
use crate::model::call::Call;
use crate::model::contract::{INPUTS, OUTPUTS};
use crate::model::feed::Feed;
use crate::model::probe::{Listed, listed};
use crate::model::slot::Slot;
use crate::model::{ContextInput, HistoryInput, Model, ScoreInput};

fn tensors(case: &Value, side: &str) -> Vec<Listed> {
    let manifest = Files::read(None).unwrap().manifest;
    let contract = if side == "inputs" { &INPUTS[..] } else { &OUTPUTS[..] };
    case[side].as_object().unwrap().iter().map(|(name, v)| listed(contract, name, v, &manifest).unwrap()).collect()
}

#[test]
fn every_call_equals_the_reference() {
    let fixture: Value = serde_json::from_slice(SCORING).unwrap();
    assert_eq!(fixture["space_id"], shipped().space_id());
    let cases = fixture["cases"].as_array().unwrap();
    assert!(cases.len() >= 10);
    for (case, model) in cases.iter().flat_map(|case| [(case, shipped()), (case, bound())]) {
        let inputs = tensors(case, "inputs");
        let feeds: Vec<Feed> = inputs.iter().map(Listed::feed).collect();
        let run = |slot: &mut Slot| Ok((slot.outputs(Call::Probe), slot.run(Call::Probe, &feeds)?));
        let (names, found) = model.pool.with(run).unwrap();
        for expected in tensors(case, "outputs") {
            let place = names.iter().position(|name| *name == expected.name).unwrap();
            assert_eq!(found[place].shape, expected.shape, "{}", case["name"]);
            assert_close(&found[place].floats, &expected.floats, 1e-4);
        }
    }
}

/// The same fixtures, through the functions that the engine calls instead of by input names.
#[test]
fn the_engines_calls_equal_the_reference() {
    let fixture: Value = serde_json::from_slice(SCORING).unwrap();
    let (model, mut compared) = (shipped(), 0);
    for case in fixture["cases"].as_array().unwrap() {
        let given = &case["inputs"];
        if ["weights", "query_text"].iter().any(|name| given.get(name).is_some()) || given.get("cand_vec").is_none() {
            continue;
        }
        let of = |name: &str| tensors(case, "inputs").into_iter().find(|t| t.name == name);
        let outputs = tensors(case, "outputs");
        let wanted = |name: &str| outputs.iter().find(|t| t.name == name).unwrap();
        let (vectors, features) = (of("cand_vec").unwrap(), of("cand_feat").unwrap());
        let (rows, count) = (vectors.shape[0], vectors.shape[1]);
        let (d, f, all) = (model.width(), model.features().len(), model.all_features().len());
        let histories: Vec<Vec<(Vec<f32>, i64, f64)>> = (0..rows).map(|row| events(given, row)).collect();
        let histories: Vec<Vec<HistoryInput>> = histories.iter().map(|row| borrowed(row)).collect();
        let (query, mask) = (of("query_vec"), of("query_mask"));
        let inputs: Vec<ScoreInput> = (0..rows)
            .map(|row| ScoreInput {
                query: query
                    .as_ref()
                    .filter(|_| mask.as_ref().unwrap().floats[row] > 0.0)
                    .map(|q| &q.floats[row * d..][..d]),
                history: &histories[row],
                cand_vec: &vectors.floats[row * count * d..][..count * d],
                cand_feat: &features.floats[row * count * f..][..count * f],
                cand_sid: &[],
                explain: true,
                weights: None,
                space: None,
                adapter: None,
            })
            .collect();
        for (row, found) in model.score(&inputs).unwrap().iter().enumerate() {
            assert_close(&found.scores, &wanted("scores").floats[row * count..][..count], 1e-4);
            let parts = &wanted("contributions").floats[row * count * all..][..count * all];
            assert_close(&found.contributions, parts, 1e-4);
            compared += 1;
        }
        for (row, input) in inputs.iter().enumerate() {
            let context =
                ContextInput { text: None, vector: input.query, history: input.history, space: None, adapter: None };
            let found = model.context(&context).unwrap();
            let wanted = &wanted("context_vec").floats[row * 2 * d..][..2 * d];
            assert_close(&found.query.unwrap_or(vec![0.0; d]), &wanted[..d], 1e-4);
            assert_close(&found.history.unwrap_or(vec![0.0; d]), &wanted[d..], 1e-4);
        }
    }
    assert!(compared >= 8, "only {compared} cases were compared");
}

type OwnedEvent = (Vec<f32>, i64, f64);

fn events(given: &Value, row: usize) -> Vec<OwnedEvent> {
    let list = |name: &str| given[name][row].as_array().cloned().unwrap_or_default();
    let (vectors, actions, gaps) = (list("history_vec"), list("history_action"), list("history_gap"));
    let valid = list("history_mask").into_iter().enumerate().filter(|(_, m)| m.as_f64() == Some(1.0));
    valid
        .map(|(i, _)| {
            let vector = vectors[i].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
            // The fixture has the row of the gap; this is the shortest gap of that row.
            let seconds = 2f64.powi(gaps[i].as_i64().unwrap() as i32) - 1.0;
            (vector, actions[i].as_i64().unwrap(), seconds)
        })
        .collect()
}

fn borrowed(events: &[OwnedEvent]) -> Vec<HistoryInput<'_>> {
    events
        .iter()
        .map(|(vector, action, gap)| HistoryInput { vector, action: *action, gap_seconds: *gap, sid: None })
        .collect()
}

#[test]
fn a_batch_scores_like_its_parts() {
    let model = shipped();
    let (d, f) = (model.width(), model.features().len());
    let sizes = [(0, 3, true), (5, 1, false), (50, 200, true), (1, 0, true), (7, 20, false), (0, 40, false)];
    let owned: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(i, (events, count, _))| {
            let seed = i as u64 * 10;
            let features: Vec<f32> = numbers(seed + 4, count * f).iter().map(|v| v.abs()).collect();
            (
                unit_vectors(seed + 1, *events, d),
                unit_vectors(seed + 2, *count, d),
                features,
                unit_vectors(seed + 3, 1, d),
            )
        })
        .collect();
    let histories: Vec<Vec<HistoryInput>> = owned.iter().map(|(events, ..)| history(events, d, 2)).collect();
    let inputs: Vec<ScoreInput> = owned
        .iter()
        .zip(&histories)
        .zip(&sizes)
        .enumerate()
        .map(|(i, (((_, vectors, features, query), history), (_, _, asked)))| ScoreInput {
            query: asked.then_some(&query[..]),
            history,
            cand_vec: vectors,
            cand_feat: features,
            cand_sid: &[],
            explain: i % 2 == 0,
            weights: None,
            space: None,
            adapter: None,
        })
        .collect();
    let together = model.score(&inputs).unwrap();
    for (input, found) in inputs.iter().zip(&together) {
        let alone = model.score(&[*input]).unwrap().remove(0);
        assert_close(&found.scores, &alone.scores, 1e-6);
        assert_close(&found.contributions, &alone.contributions, 1e-6);
        assert_eq!(found.contributions.is_empty(), !input.explain || found.scores.is_empty());
        for (score, parts) in found.scores.iter().zip(found.contributions.chunks(model.all_features().len())) {
            assert!((score - parts.iter().sum::<f32>()).abs() < 1e-5);
        }
    }
    assert!(model.score(&[]).unwrap().is_empty());
}

#[test]
fn candidates_do_not_see_one_another_and_padding_is_not_seen() {
    let model = shipped();
    let (d, f) = (model.width(), model.features().len());
    let (vectors, features, events) = (unit_vectors(1, 30, d), numbers(2, 30 * f), unit_vectors(3, 9, d));
    let events = history(&events, d, 4);
    let query = unit_vectors(5, 1, d);
    let input = |first: usize, last: usize| ScoreInput {
        query: Some(&query),
        history: &events,
        cand_vec: &vectors[first * d..last * d],
        cand_feat: &features[first * f..last * f],
        cand_sid: &[],
        explain: false,
        weights: None,
        space: None,
        adapter: None,
    };
    let all = score_one(input(0, 30));
    assert_close(&score_one(input(10, 20)), &all[10..20], 1e-6);
    assert_close(&score_one(input(29, 30)), &all[29..], 1e-6);
    // A request with a much longer history beside it pads this one on the left.
    let many = unit_vectors(6, 180, d);
    let many = history(&many, d, 1);
    let beside = ScoreInput { history: &many, ..input(0, 30) };
    assert_close(&model.score(&[beside, input(0, 30)]).unwrap()[1].scores, &all, 1e-6);
}

#[test]
fn an_empty_history_is_no_history() {
    let model = shipped();
    let (d, f) = (model.width(), model.features().len());
    assert_eq!(model.context(&ContextInput::default()).unwrap(), Default::default());
    let (vectors, features) = (unit_vectors(1, 4, d), numbers(2, 4 * f));
    let input = ScoreInput {
        query: None,
        history: &[],
        cand_vec: &vectors,
        cand_feat: &features,
        cand_sid: &[],
        explain: false,
        weights: None,
        space: None,
        adapter: None,
    };
    let alone = score_one(input);
    let events = unit_vectors(3, 3, d);
    let events = history(&events, d, 4);
    let with = ScoreInput { history: &events, ..input };
    assert_close(&model.score(&[with, input]).unwrap()[1].scores, &alone, 1e-6);
    // An event whose item has no content counts as history but points nowhere.
    let zeros = vec![0.0; d];
    let empty = [HistoryInput { vector: &zeros, action: 4, gap_seconds: 1.0, sid: None }];
    let context = model.context(&ContextInput { history: &empty, ..Default::default() }).unwrap();
    assert_eq!(context.history, None);
}

#[test]
fn only_the_newest_events_are_read() {
    let model = shipped();
    let d = model.width();
    let vectors = unit_vectors(1, 500, d);
    let all = history(&vectors, d, 1);
    let newest = &all[500 - crate::base::limits::MAX_HISTORY..];
    let context = |history| model.context(&ContextInput { history, ..Default::default() }).unwrap();
    assert_eq!(context(&all), context(newest));
}

#[test]
fn configured_weights_are_used() {
    let config = Config { weights: vec![vec![1.0; 26]; 4], sessions: 1, ..Config::default() };
    let model = Model::load(&config).unwrap();
    let features = [0.5; 21];
    let vectors = vec![0.0; model.width()];
    let input = ScoreInput {
        query: None,
        history: &[],
        cand_vec: &vectors,
        cand_feat: &features,
        cand_sid: &[],
        explain: true,
        weights: None,
        space: None,
        adapter: None,
    };
    assert_close(&model.score(&[input]).unwrap()[0].scores, &[10.5], 1e-6);
}

#[test]
fn what_is_not_finite_is_an_error_and_never_a_score() {
    let model = shipped();
    let (d, f) = (model.width(), model.features().len());
    let (vectors, features, events) = (unit_vectors(1, 2, d), numbers(2, 2 * f), unit_vectors(3, 2, d));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let spoil = |values: &[f32]| {
            let mut values = values.to_vec();
            values[1] = bad;
            values
        };
        let (bad_vectors, bad_features, bad_events) = (spoil(&vectors), spoil(&features), spoil(&events));
        let (good, spoiled) = (history(&events, d, 1), history(&bad_events, d, 1));
        let input = ScoreInput {
            query: Some(&vectors[..d]),
            history: &good,
            cand_vec: &vectors,
            cand_feat: &features,
            cand_sid: &[],
            explain: false,
            weights: None,
            space: None,
            adapter: None,
        };
        for input in [
            ScoreInput { query: Some(&bad_vectors[..d]), ..input },
            ScoreInput { history: &spoiled, ..input },
            ScoreInput { cand_vec: &bad_vectors, ..input },
            ScoreInput { cand_feat: &bad_features, ..input },
        ] {
            assert!(matches!(model.score(&[input]), Err(Error::NonFinite { .. })));
        }
        let context =
            ContextInput { text: None, vector: Some(&bad_vectors[..d]), history: &good, space: None, adapter: None };
        assert!(matches!(model.context(&context), Err(Error::NonFinite { .. })));
        assert!(matches!(model.project(None, &vec![bad; model.content_width()]), Err(Error::NonFinite { .. })));
    }
    // Finite numbers that overflow inside the graph.
    let huge = vec![f32::MAX; 2 * d];
    let input = ScoreInput {
        query: Some(&huge[..d]),
        history: &[],
        cand_vec: &huge,
        cand_feat: &features,
        cand_sid: &[],
        explain: false,
        weights: None,
        space: None,
        adapter: None,
    };
    match model.score(&[input]) {
        Err(error) => assert!(matches!(error, Error::ModelFailed { .. }), "{error}"),
        Ok(scores) => assert!(scores[0].scores.iter().all(|score| score.is_finite())),
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let model = shipped();
    let (d, f) = (model.width(), model.features().len());
    let zeros = vec![0.0; 4 * d];
    let input = ScoreInput {
        query: None,
        history: &[],
        cand_vec: &zeros,
        cand_feat: &zeros[..4 * f],
        cand_sid: &[],
        explain: false,
        weights: None,
        space: None,
        adapter: None,
    };
    for bad in [
        ScoreInput { cand_vec: &zeros[..3 * d], ..input },
        ScoreInput { cand_feat: &zeros[..4 * f - 1], ..input },
        ScoreInput { query: Some(&zeros[..d - 1]), ..input },
        ScoreInput {
            history: &[HistoryInput { vector: &zeros[..3], action: 1, gap_seconds: 0.0, sid: None }],
            ..input
        },
        ScoreInput {
            history: &[HistoryInput { vector: &zeros[..d], action: 99, gap_seconds: 0.0, sid: None }],
            ..input
        },
        ScoreInput {
            history: &[HistoryInput { vector: &zeros[..d], action: -1, gap_seconds: 0.0, sid: None }],
            ..input
        },
    ] {
        assert!(matches!(model.score(&[bad]), Err(Error::InvalidArgument { .. })));
    }
    assert!(matches!(model.project(None, &zeros[..3]), Err(Error::InvalidArgument { .. })));
    assert!(model.project(None, &[]).unwrap().is_empty());
}

#[test]
fn sixteen_threads_get_what_one_gets() {
    let model = shipped();
    let (d, f) = (model.width(), model.features().len());
    std::thread::scope(|scope| {
        for thread in 0..16u64 {
            scope.spawn(move || {
                let (vectors, features, events) =
                    (unit_vectors(thread + 1, 20, d), numbers(thread + 2, 20 * f), unit_vectors(thread + 3, 5, d));
                let events = history(&events, d, 2);
                let input = ScoreInput {
                    query: None,
                    history: &events,
                    cand_vec: &vectors,
                    cand_feat: &features,
                    cand_sid: &[],
                    explain: false,
                    weights: None,
                    space: None,
                    adapter: None,
                };
                let first = score_one(input);
                let context = ContextInput {
                    text: Some("red leather shoes"),
                    vector: None,
                    history: &events,
                    space: None,
                    adapter: None,
                };
                let context_first = model.context(&context).unwrap();
                for _ in 0..20 {
                    assert_eq!(score_one(input), first);
                    assert_eq!(model.context(&context).unwrap(), context_first);
                }
            });
        }
    });
}
