//! What a request can ask of its list besides what it is about: how personal, how mixed, what to leave out.

use serde::Deserialize;

use crate::api::decode::Short;
use crate::api::event::Action;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// How much the history counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Personalization {
    /// Not at all: the list is that of a user without a history. `exclude_seen` still leaves out what was had.
    Off,
    /// Half of what the model says.
    Low,
    /// What the model says.
    #[default]
    Medium,
    /// One and a half times what the model says.
    High,
}

impl Personalization {
    /// Every level, weakest first.
    pub const ALL: [Personalization; 4] =
        [Personalization::Off, Personalization::Low, Personalization::Medium, Personalization::High];

    /// The name that bindings use.
    pub fn name(self) -> &'static str {
        match self {
            Personalization::Off => "off",
            Personalization::Low => "low",
            Personalization::Medium => "medium",
            Personalization::High => "high",
        }
    }

    /// The level of a name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], listing the names.
    pub fn named(name: &str) -> Result<Personalization> {
        let found = Personalization::ALL.into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            Error::argument("personalization", "one of off, low, medium, high", format!("\"{shown}\""))
        })
    }

    /// What the weights of the features that read the history are multiplied with.
    pub(crate) fn scale(self) -> f32 {
        match self {
            Personalization::Off => 0.0,
            Personalization::Low => 0.5,
            Personalization::Medium => 1.0,
            Personalization::High => 1.5,
        }
    }
}

/// What the user has had, and whether it is left out.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "SeenWhen")]
#[non_exhaustive]
pub enum ExcludeSeen {
    /// It stays.
    #[default]
    No,
    /// It is left out, whatever was done with it and however long ago.
    Yes,
    /// It is left out when this holds.
    When(SeenWhen),
}

/// Which of the user's events make an item one that was had: those that satisfy both conditions.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeenWhen {
    /// Events with one of these actions; empty: any action.
    pub actions: Vec<Action>,
    /// Events of the last so many days before the request, more than 0; `None`: of any age.
    pub within_days: Option<f64>,
}

impl From<bool> for ExcludeSeen {
    fn from(all: bool) -> Self {
        if all { ExcludeSeen::Yes } else { ExcludeSeen::No }
    }
}

impl From<SeenWhen> for ExcludeSeen {
    fn from(when: SeenWhen) -> Self {
        ExcludeSeen::When(when)
    }
}

impl Short for ExcludeSeen {
    const EXPECTED: &str = "true, false or an object with `actions` and `within_days`";

    fn of_flag(all: bool) -> Option<Self> {
        Some(all.into())
    }
}

impl ExcludeSeen {
    pub(crate) fn check(&self) -> Result<()> {
        let ExcludeSeen::When(when) = self else { return Ok(()) };
        at_most("actions in exclude_seen", limits::MAX_SEEN_ACTIONS, when.actions.len())?;
        match when.within_days {
            Some(days) if !days.is_finite() || days <= 0.0 => {
                Err(Error::argument("exclude_seen.within_days", "a number of days above 0", days.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// At most so many hits of one value of a field. What is over the cap moves behind what fits; nothing vanishes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// A field of text (compared as a whole, up to 256 bytes), tags (each counts), numbers, booleans or dates. An item
    /// without the field is under no cap. `semantic_id:1` and `semantic_id:2` are no fields but the first one or two codes
    /// of what the model makes of an item's text: items that share them are alike.
    pub field: String,
    /// How many, 1 or more.
    // Scenarios that a store kept before 0.2 call it `most`.
    #[serde(alias = "most")]
    pub max: usize,
}

impl Cap {
    /// At most `max` hits of one value of `field`.
    pub fn new(field: impl Into<String>, max: usize) -> Cap {
        Cap { field: field.into(), max }
    }

    pub(crate) fn check(&self) -> Result<()> {
        at_most("bytes of a field name", limits::MAX_FIELD_NAME_BYTES, self.field.len())?;
        match self.max {
            0 => Err(Error::argument("cap", "at least 1 hit of a value", "0 (to leave a value out, exclude it)")),
            _ => Ok(()),
        }
    }
}

/// The mix of the list follows that of the history (calibrated recommendations, Steck, RecSys 2018).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// The field whose values are the categories, as for [`Cap`]; `semantic_id:1` is one too.
    pub field: String,
    /// From 0 (relevance alone) to 1 (the mix alone).
    pub strength: f32,
}

impl Mix {
    /// The mix of `field`, at a strength from 0 to 1.
    pub fn new(field: impl Into<String>, strength: f32) -> Mix {
        Mix { field: field.into(), strength }
    }

    pub(crate) fn check(&self) -> Result<()> {
        at_most("bytes of a field name", limits::MAX_FIELD_NAME_BYTES, self.field.len())?;
        check_fraction("match_history_mix.strength", self.strength)
    }
}

/// How many codes of a semantic id a name of groups stands for; `None` for the name of a field.
pub(crate) fn semantic_levels(name: &str) -> Option<usize> {
    match name {
        "semantic_id:1" => Some(1),
        "semantic_id:2" => Some(2),
        _ => None,
    }
}

/// Refuses what is not from 0 to 1.
pub(crate) fn check_fraction(what: &str, share: f32) -> Result<()> {
    // A NaN is in no range.
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::argument(what, "a number from 0 to 1", share.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_names() {
        for level in Personalization::ALL {
            assert_eq!(Personalization::named(level.name()).expect("is one"), level);
        }
        let refused = Personalization::named("loud").expect_err("is none");
        assert!(refused.to_string().contains("off, low, medium, high"), "{refused}");
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for share in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(check_fraction("diversity", share).is_err(), "{share}");
        }
        assert!(check_fraction("diversity", 0.0).and(check_fraction("diversity", 1.0)).is_ok());
        for days in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let when = SeenWhen { actions: Vec::new(), within_days: Some(days) };
            assert!(ExcludeSeen::When(when).check().is_err(), "{days}");
        }
        assert!(Cap::new("brand", 0).check().is_err() && Cap::new("brand", 1).check().is_ok());
    }
}
