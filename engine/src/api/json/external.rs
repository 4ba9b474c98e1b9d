//! Questions of an evaluation to JSON, and answers of systems from elsewhere from it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::parse::{Json, one};
use super::place::{Place, shortened};
use super::read::{entries, given, missing, number, set, text, texts, unknown};
use super::write::to_string;
use crate::api::evaluation::{External, ExternalAnswer, OpenQuestion, Questions};
use crate::api::request::HistoryEvent;
use crate::base::error::{Error, Result};

/// Reads the answers of an external system: `{"name", "targets_hash", "answers": {"0": [..], "1": {..}}}`, where an answer is
/// an array of item ids, best first, or an object of scores by item id.
///
/// # Errors
/// [`Error::InvalidArgument`], [`Error::UnknownField`] or [`Error::NonFinite`], naming the place. Questions and items are
/// checked by `evaluate`.
pub fn external_from_json(json: &str) -> Result<External> {
    external(one("external", json)?, &Place::Root("external"))
}

/// Writes the answer of [`Engine::questions`](crate::Engine::questions): `targets_hash`, `split` (seconds, or null),
/// `hidden_items`, `hidden_users`, and `questions` with `id`, `task`, `user`, `time`, `query`, `exclude_seen` and `history`,
/// an array of `{"item", "action", "value", "time"}`, oldest first.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn questions_to_json(questions: &Questions) -> Result<String> {
    to_string(&QuestionsForm {
        targets_hash: &questions.targets_hash,
        split: questions.split.map(|time| time.seconds()),
        hidden_items: &questions.hidden_items,
        hidden_users: &questions.hidden_users,
        questions: questions.questions.iter().map(question).collect(),
    })
}

pub(super) fn external(json: Json<'_>, at: &Place<'_>) -> Result<External> {
    let (mut name, mut targets_hash, mut answers) = (None, None, BTreeMap::new());
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "name" => name = given(json, at, text)?,
            "targets_hash" => targets_hash = given(json, at, text)?,
            "answers" => set(&mut answers, json, at, answers_of)?,
            _ => return Err(unknown(at, &["name", "targets_hash", "answers"])),
        }
    }
    Ok(External {
        name: name.ok_or_else(|| missing(at, "name"))?,
        targets_hash: targets_hash.ok_or_else(|| missing(at, "targets_hash"))?,
        answers,
    })
}

fn answers_of(json: Json<'_>, at: &Place<'_>) -> Result<BTreeMap<usize, ExternalAnswer>> {
    let mut answers = BTreeMap::new();
    for (key, json) in entries(json, at)? {
        let place = &at.key(&key);
        let question = key.parse().map_err(|_| {
            Error::argument(at.to_string(), "numbers of questions as keys", format!("`{}`", shortened(&key)))
        })?;
        // Two keys that name one number: "1" and "01".
        if answers.insert(question, answer(json, place)?).is_some() {
            return Err(Error::argument(place.to_string(), "one answer to each question", "two"));
        }
    }
    Ok(answers)
}

fn answer(json: Json<'_>, at: &Place<'_>) -> Result<ExternalAnswer> {
    if matches!(json, Json::List(_)) {
        return Ok(ExternalAnswer::Ranked(texts(json, at)?));
    }
    let scores = entries(json, at)?.into_iter().map(|(id, json)| Ok((id.to_string(), number(json, &at.key(&id))?)));
    Ok(ExternalAnswer::Scored(scores.collect::<Result<_>>()?))
}

#[derive(Serialize)]
struct QuestionsForm<'q> {
    targets_hash: &'q str,
    split: Option<f64>,
    hidden_items: &'q [String],
    hidden_users: &'q [String],
    questions: Vec<QuestionForm<'q>>,
}

#[derive(Serialize)]
struct QuestionForm<'q> {
    id: usize,
    task: &'static str,
    user: Option<&'q str>,
    time: f64,
    query: Option<&'q str>,
    exclude_seen: bool,
    history: Vec<PastForm<'q>>,
}

#[derive(Serialize)]
struct PastForm<'q> {
    item: &'q str,
    action: &'q str,
    value: Option<f64>,
    time: Option<f64>,
}

fn question(question: &OpenQuestion) -> QuestionForm<'_> {
    QuestionForm {
        id: question.id,
        task: question.task,
        user: question.user.as_deref(),
        time: question.time.seconds(),
        query: question.query.as_deref(),
        exclude_seen: question.exclude_seen,
        history: question.history.iter().map(past).collect(),
    }
}

fn past(event: &HistoryEvent) -> PastForm<'_> {
    PastForm {
        item: &event.item,
        action: event.action.name(),
        value: event.value,
        time: event.time.map(|time| time.seconds()),
    }
}
