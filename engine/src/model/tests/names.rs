//! Names of features in model files: today's, and those of files that were written before.

use serde_json::json;

use super::{Copy, history, numbers, shipped, unit_vectors};
use crate::api::feature::Feature;
use crate::model::{Model, ScoreInput};

/// Replaces every name of a feature in a manifest.
fn rename(copy: &mut Copy, name: impl Fn(&str) -> String) {
    for list in ["features", "graph_features"] {
        for entry in copy.manifest[list].as_array_mut().unwrap() {
            *entry = json!(name(entry.as_str().unwrap()));
        }
    }
}

fn scores(model: &Model) -> Vec<f32> {
    let width = model.width();
    let (vectors, past) = (unit_vectors(1, 5, width), unit_vectors(2, 3, width));
    let (features, query) = (numbers(3, 5 * Feature::COLUMNS), unit_vectors(4, 1, width));
    let history = history(&past, width, 1);
    let input = ScoreInput {
        query: Some(&query),
        history: &history,
        cand_vec: &vectors,
        cand_feat: &features,
        cand_sid: &[],
        space: None,
        adapter: None,
        explain: true,
        weights: None,
    };
    let scores = model.score(&[input]).unwrap().remove(0);
    [scores.scores, scores.contributions].concat()
}

#[test]
fn a_file_with_the_former_names_loads_and_scores_alike_under_today_s() {
    let former = |name: &str| Feature::of(name).unwrap().declaration().former.to_owned();
    let mut copy = Copy::new();
    rename(&mut copy, former);
    let model = copy.load().unwrap();
    assert_eq!((model.features(), model.all_features()), (shipped().features(), shipped().all_features()));
    assert_eq!(scores(&model), scores(shipped()));
    // Files between the two may have some of either.
    let mut copy = Copy::new();
    rename(&mut copy, |name| if name.len().is_multiple_of(2) { former(name) } else { name.to_owned() });
    assert_eq!(copy.load().unwrap().all_features(), shipped().all_features());
}

#[test]
fn a_name_that_is_none_or_that_stands_twice_is_refused_with_the_order_that_is_expected() {
    for (place, name) in [(0, "bm25f"), (3, "popular_7d"), (20, "cos_query"), (5, "")] {
        let mut copy = Copy::new();
        copy.manifest["features"][place] = json!(name);
        let (expected, found) = copy.refusal();
        assert!(
            expected.contains("features in the order bm25, popular_1d") && found.contains(name),
            "{expected} / {found}"
        );
    }
    let mut copy = Copy::new();
    copy.manifest["features"].as_array_mut().unwrap().pop();
    assert!(copy.refusal().0.contains("features in the order"), "one is missing");
    let mut copy = Copy::new();
    copy.manifest["graph_features"].as_array_mut().unwrap().swap(0, 1);
    assert!(copy.refusal().0.contains("graph_features in the order cos_query"));
}
