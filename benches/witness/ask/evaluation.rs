//! Short evaluations, the questions that they ask, and an estimate from logged decisions.

use onelist::evaluation::{Decisions, Guards};
use onelist::{Report, json};
use serde_json::{Value as Json, json};

use super::super::renamed::{COUNTERFACTUAL, REPORT};
use super::super::worlds::draw;
use super::super::{Result, canonical, given};
use super::Asking;

/// Resamples behind an interval: few, since it is not the interval that matters here.
const RESAMPLES: usize = 100;

/// Runs the plans of this world. Places for new items are in none: they are drawn from random `rank_id`s.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let plans = match asking.world.name {
        "retail" => retail(),
        "movies" => movies(asking),
        _ => vec![("queries", json!({ "next_item": false, "queries": judged(asking, 40), "leave_out": true }))],
    };
    for (name, mut plan) in plans {
        plan["resamples"] = RESAMPLES.into();
        let plan = given::plan(&plan)?;
        let report = asking.db.evaluate(&plan)?;
        add_report(asking, name, report)?;
    }
    match asking.world.name {
        "retail" => external(asking).and_then(|()| counterfactual(asking)),
        _ => Ok(()),
    }
}

/// June 2010: half of the shop's log is enough for most plans.
const SUMMER: u64 = 1_275_350_400;

fn retail() -> Vec<(&'static str, Json)> {
    let weights: Vec<Vec<f64>> =
        (0..4).map(|row| (0..26).map(|at| f64::from((row + at) % 5) * 0.2).collect()).collect();
    vec![
        (
            "time-split",
            json!({ "at_share": 0.9, "max_targets": 40, "ks": [10, 3], "leave_out": true, "check_targets": 2 }),
        ),
        (
            "every",
            json!({ "targets": "every", "exclude_seen": false, "min_history": 0, "max_targets": 50,
            "category": "colours", "check_targets": 2, "seed": 7, "until": SUMMER }),
        ),
        (
            "leave-last-out",
            json!({ "protocol": "leave_last_out", "targets": "last", "max_targets": 60, "baselines": false,
            "variants": [{ "name": "other weights", "weights": weights }], "check_targets": 0 }),
        ),
        (
            "item-cold",
            json!({ "protocol": "item_cold", "share": 0.1, "max_targets": 40, "check_targets": 0, "until": SUMMER }),
        ),
        (
            "user-cold",
            json!({ "protocol": "user_cold", "share": 0.2, "max_targets": 40, "check_targets": 0, "until": SUMMER }),
        ),
        (
            "tuned",
            json!({ "calibrate": true, "max_targets": 40, "baselines": false, "check_targets": 0, "until": SUMMER }),
        ),
    ]
}

fn movies(asking: &Asking) -> Vec<(&'static str, Json)> {
    vec![
        ("queries", json!({ "next_item": false, "queries": judged(asking, 40), "ks": [10], "check_targets": 4 })),
        ("last", json!({ "protocol": "leave_last_out", "max_targets": 60, "check_targets": 0, "category": "genres" })),
    ]
}

/// Queries that events led from: the item that was chosen is what is relevant, half of them asked with the history.
fn judged(asking: &Asking, count: usize) -> Vec<Json> {
    let events = asking.world.events.iter().filter(|event| event["query"].is_string() && event["item"].is_string());
    let events: Vec<&Json> = events.collect();
    let step = (events.len() / count).max(1);
    let judged = events.iter().step_by(step).take(count).enumerate().map(|(nth, event)| {
        let grade = 1 + draw(&event["item"].to_string()) % 3;
        let item = event["item"].as_str().unwrap_or_default();
        let mut query = json!({ "query": event["query"], "grades": { item: grade } });
        if nth.is_multiple_of(2) {
            (query["user"], query["time"]) = (event["user"].clone(), event["time"].clone());
        }
        query
    });
    judged.collect()
}

/// The questions of a plan, and an answer to them from elsewhere: the popular items, by turns as a list and as scores.
fn external(asking: &mut Asking) -> Result<()> {
    let base = json!({ "at_share": 0.95, "max_targets": 30, "check_targets": 0, "resamples": RESAMPLES });
    let asked = asking.db.questions(&given::plan(&base)?)?;
    let questions = given::answered(&[], json::questions_to_json(&asked))?;
    let popular: Vec<&str> = asking.world.popular.iter().take(100).map(String::as_str).collect();
    let scores: Json = popular.iter().enumerate().map(|(at, id)| ((*id).to_owned(), json!(100 - at / 3))).collect();
    let answer = |id: usize| if id.is_multiple_of(2) { json!(popular) } else { scores.clone() };
    let answers: Json = asked.questions.iter().map(|question| (question.id.to_string(), answer(question.id))).collect();
    let external = json!({ "name": "popular ones", "targets_hash": asked.targets_hash, "answers": answers });
    let mut plan = given::plan(&base)?;
    plan.external = vec![json::external_from_json(&external.to_string())?];
    let report = asking.db.evaluate(&plan)?;
    asking.add("evaluate", "questions", questions)?;
    add_report(asking, "external", report)
}

fn counterfactual(asking: &mut Asking) -> Result<()> {
    let mut decisions = Decisions::default();
    for row in 0..600 {
        let unit = |of: &str| (draw(&format!("{of} {row}")) % 1000) as f64 / 1000.0;
        decisions.reward.push(f64::from(u8::from(unit("reward") < 0.3)));
        decisions.logged.push(0.1 + 0.8 * unit("logged"));
        decisions.target.push(unit("target"));
        decisions.q_logged.push(unit("q"));
        decisions.q_target.push(unit("q target"));
    }
    let guards = Guards { min_effective: 20.0, clip: Some(3.0), resamples: RESAMPLES, seed: 3 };
    let estimated = onelist::counterfactual(&decisions, &guards)?;
    let mut estimated = given::answered(COUNTERFACTUAL, json::counterfactual_to_json(&estimated))?;
    let words = words_of(&mut estimated);
    asking.add("evaluate", "counterfactual", estimated)?;
    asking.add("evaluate-text", "counterfactual", words)
}

/// Records a report without its times: as JSON, as text and as a page.
fn add_report(asking: &mut Asking, name: &str, mut report: Report) -> Result<()> {
    report.seconds = 0.0;
    let systems = report.tasks.iter_mut().flat_map(|task| &mut task.systems);
    systems.for_each(|system| system.latency_ms = [0.0; 2]);
    let mut written = given::answered(REPORT, json::report_to_json(&report))?;
    let words = words_of(&mut written);
    asking.add("evaluate", name, written)?;
    let page = canonical::digest(report.html().as_bytes());
    asking.add("evaluate-text", name, json!({ "words": words, "text": report.text(), "page": page }))
}

/// Takes the words out of a report: names of systems and of parts, warnings, sentences. What is left of each is that there
/// was one.
fn words_of(report: &mut Json) -> Json {
    const KEPT: [&str; 3] = ["targets_hash", "kind", "outcome"];
    let mut words = Vec::new();
    fn take(value: &mut Json, words: &mut Vec<Json>) {
        match value {
            Json::String(_) => words.push(std::mem::replace(value, "(words)".into())),
            Json::Array(values) => values.iter_mut().for_each(|value| take(value, words)),
            Json::Object(map) => {
                let mut keys: Vec<String> = map.keys().filter(|key| !KEPT.contains(&key.as_str())).cloned().collect();
                keys.sort_unstable();
                keys.iter().for_each(|key| take(&mut map[key.as_str()], words));
            }
            _ => {}
        }
    }
    take(report, &mut words);
    words.into()
}
