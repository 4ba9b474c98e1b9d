//! Systems from elsewhere: the questions to ask them, and their answers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::api::history::HistoryEvent;
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::time::Timestamp;

/// A system that is no part of this engine, by its answers to [`Questions`]: measured beside `rank` on the same targets, by
/// the same measures, with the same resamples.
///
/// ```
/// use onelist::evaluation::{External, ExternalAnswer, Questions};
/// # fn ask(_: &onelist::evaluation::OpenQuestion) -> Vec<String> { Vec::new() }
/// fn answers(asked: &Questions) -> External {
///     let answer = |question| ExternalAnswer::Ranked(ask(question));
///     External {
///         name: "SASRec".to_owned(),
///         targets_hash: asked.targets_hash.clone(),
///         answers: asked.questions.iter().map(|question| (question.id, answer(question))).collect(),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Its name in the report: no other system's.
    pub name: String,
    /// [`Questions::targets_hash`] of the questions that were answered.
    pub targets_hash: String,
    /// By [`OpenQuestion::id`]. Of the questions of a kind (next item, query, query and history) all are answered, or none.
    #[serde(default)]
    pub answers: BTreeMap<usize, ExternalAnswer>,
}

/// What an external system says to one question. Items that the question excludes are passed over, as those of every other
/// system are; an item that is not named is not ranked.
#[derive(Debug, Clone, PartialEq)]
pub enum ExternalAnswer {
    /// Ids of items, best first, none tied. May be empty.
    Ranked(Vec<String>),
    /// A finite score for each id of an item; higher is better, and equal ones are tied: what stands at one score counts at
    /// its expectation.
    Scored(BTreeMap<String, f64>),
}

impl<'de> Deserialize<'de> for ExternalAnswer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Answer;
        impl<'de> Visitor<'de> for Answer {
            type Value = ExternalAnswer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of item ids, best first, or an object of scores by item id")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, ids: A) -> std::result::Result<ExternalAnswer, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(ids)).map(ExternalAnswer::Ranked)
            }

            fn visit_map<A: MapAccess<'de>>(self, scores: A) -> std::result::Result<ExternalAnswer, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(scores)).map(ExternalAnswer::Scored)
            }
        }
        from.deserialize_any(Answer)
    }
}

/// The questions of a plan without their answers: what to ask a system from elsewhere. [`crate::Engine::questions`] lists them.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Questions {
    /// [`crate::Report::targets_hash`] of the evaluation that asks them.
    pub targets_hash: String,
    /// The moment of a time split: events from then on are not to be learned from. `None` for other protocols, where all is
    /// known but what is hidden and the events that come after the questions.
    pub split: Option<Timestamp>,
    /// Items whose events are hidden from every system (`item_cold`).
    pub hidden_items: Vec<String>,
    /// Users whose events are hidden from every system (`user_cold`); they are known by their histories alone.
    pub hidden_users: Vec<String>,
    /// In the order in which they are asked.
    pub questions: Vec<OpenQuestion>,
}

/// One question without its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OpenQuestion {
    /// Names the question in [`External::answers`]: its place among all, from 0.
    pub id: usize,
    /// `next item`, `query`, or `query and history`, as [`crate::api::evaluation::TaskReport::name`].
    pub task: &'static str,
    /// Who asks.
    pub user: Option<String>,
    /// When.
    pub time: Timestamp,
    /// What is searched for.
    pub query: Option<String>,
    /// The items of the history are not asked for: they are in no list.
    pub exclude_seen: bool,
    /// The user's events on items before this moment, oldest first: the first of those that were logged, so the event that
    /// comes next (which a plan without queries asks for) is not among them.
    pub history: Vec<HistoryEvent>,
}

impl External {
    /// Checks what can be checked without the log.
    ///
    /// # Errors
    /// [`Error::InvalidId`], [`Error::InvalidArgument`] or [`Error::NonFinite`], naming the system and the question.
    pub(super) fn check(&self) -> Result<()> {
        check_id("external system", &self.name)?;
        for (question, answer) in &self.answers {
            match answer {
                ExternalAnswer::Ranked(ids) => self.check_ranked(*question, ids)?,
                ExternalAnswer::Scored(scores) => {
                    if let Some(index) = scores.values().position(|score| !score.is_finite()) {
                        return Err(Error::NonFinite { what: self.place(*question), index });
                    }
                }
            }
        }
        Ok(())
    }

    fn check_ranked(&self, question: usize, ids: &[String]) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        match ids.iter().find(|id| !seen.insert(id.as_str())) {
            Some(twice) => {
                Err(Error::argument(self.place(question), "every item at most once", format!("`{twice}` twice")))
            }
            None => Ok(()),
        }
    }

    /// One of its answers, for errors.
    pub(crate) fn place(&self, question: usize) -> String {
        format!("external system `{}`, answer to question {question}", self.name)
    }
}
