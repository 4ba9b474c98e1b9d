//! Requests, plans and configurations, written with the old names and read by any version.

use onelist::{Config, Engine, Error, Plan, Ranking, Request, Rule, TrainingPlan, json};
use serde_json::Value as Json;

use super::renamed::{self, GIVEN, Names};

/// Reads what is written with the old names.
///
/// Which of those names this version has changed is not written down anywhere, so each choice of them is tried, the old
/// names first.
///
/// # Errors
/// What reading answers; rather about a value than about a key that is not known, which may be an old one.
pub fn read<T>(json: &Json, parse: impl Fn(&str) -> onelist::Result<T>) -> onelist::Result<T> {
    let text = json.to_string();
    let there: Vec<_> = GIVEN.iter().filter(|(_, old)| text.contains(&format!("\"{old}\":"))).collect();
    let mut refused: Option<Error> = None;
    for choice in 0..1_u32 << there.len() {
        let chosen = there.iter().enumerate().filter(|(place, _)| choice >> place & 1 == 1).map(|(_, pair)| **pair);
        let mut changed = json.clone();
        chosen.for_each(|(new, old)| rename(&mut changed, old, new));
        match parse(&changed.to_string()) {
            Ok(read) => return Ok(read),
            Err(error) if refused.as_ref().is_none_or(|known| known.name() == "UnknownField") => refused = Some(error),
            Err(_) => {}
        }
    }
    refused.map_or_else(|| parse(&text), Err)
}

fn rename(value: &mut Json, from: &str, to: &'static str) {
    match value {
        Json::Object(map) => {
            if let Some(value) = map.remove(from) {
                map.insert(to.to_owned(), value);
            }
            map.values_mut().for_each(|value| rename(value, from, to));
        }
        Json::Array(values) => values.iter_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}

/// Reads a request.
pub fn request(json: &Json) -> onelist::Result<Request> {
    read(json, json::request_from_json)
}

/// Reads a configuration.
pub fn config(json: &Json) -> onelist::Result<Config> {
    read(json, json::config_from_json)
}

/// Reads rules.
pub fn rules(json: &Json) -> onelist::Result<Vec<Rule>> {
    read(json, json::rules_from_json)
}

/// Reads the plan of an evaluation.
pub fn plan(json: &Json) -> onelist::Result<Plan> {
    read(json, json::plan_from_json)
}

/// Reads the plan of a training file.
pub fn training_plan(json: &Json) -> onelist::Result<TrainingPlan> {
    read(json, json::training_plan_from_json)
}

/// Asks one request.
pub fn rank(db: &Engine, json: &Json) -> onelist::Result<Ranking> {
    db.rank(&request(json)?)
}

/// What was answered, with the old keys.
///
/// # Errors
/// What writing answered, and text that is not JSON.
pub fn answered(names: Names, written: onelist::Result<String>) -> super::Result<Json> {
    let mut value = serde_json::from_str(&written?)?;
    renamed::all_keys(names, &mut value);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use onelist::Error;
    use serde_json::json;

    use super::*;

    /// A version that has changed some names, and refuses the old ones.
    fn version(text: &str, known: &[&str]) -> onelist::Result<Json> {
        let value: Json = serde_json::from_str(text).expect("is JSON");
        let unknown =
            |map: &serde_json::Map<String, Json>| map.keys().find(|key| !known.contains(&key.as_str())).cloned();
        let caps = value["caps"].as_array().into_iter().flatten().filter_map(Json::as_object);
        match value.as_object().into_iter().chain(caps).find_map(unknown) {
            Some(field) => Err(Error::UnknownField { field, known: known.join(", ") }),
            None if value["caps"][0]["max"] == 0 => {
                Err(Error::InvalidArgument { what: "cap".into(), expected: "1".into(), found: "0".into() })
            }
            None => Ok(value),
        }
    }

    #[test]
    fn old_names_are_read_by_any_version() {
        let asked = json!({ "next": "token", "caps": [{ "field": "a", "most": 2 }] });
        for known in [["next", "caps", "field", "most"], ["page_token", "caps", "field", "most"]] {
            assert!(read(&asked, |text| version(text, &known)).is_ok());
        }
        let changed = read(&asked, |text| version(text, &["page_token", "caps", "field", "max"])).expect("reads");
        assert_eq!(changed, json!({ "page_token": "token", "caps": [{ "field": "a", "max": 2 }] }));
    }

    #[test]
    fn what_is_refused_is_the_value_and_not_its_old_name() {
        let asked = json!({ "caps": [{ "field": "a", "most": 0 }] });
        let refused = read(&asked, |text| version(text, &["caps", "field", "max"])).expect_err("is refused");
        assert_eq!(refused.name(), "InvalidArgument");
        let refused = read(&json!({ "wrong": 1 }), |text| version(text, &["caps"])).expect_err("is refused");
        assert_eq!(refused.name(), "UnknownField");
    }
}
