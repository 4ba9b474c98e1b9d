//! Rules: what a shop wants of a list, whatever the model says.

use crate::api::controls::Cap;
use crate::api::filter::Filter;
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};

/// Which items a rule speaks of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Which {
    /// These; ids that are not in the catalog are passed over.
    Ids(Vec<String>),
    /// Those that match.
    Matching(Filter),
}

impl Which {
    /// These items.
    pub fn ids<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Which {
        Which::Ids(ids.into_iter().map(Into::into).collect())
    }
}

/// One rule. Amounts are in units of the score: with the model that ships, a text that matches the query word for word
/// is worth about 1.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// This item stands at this position of the list.
    Pin {
        /// The item's id.
        item: String,
        /// From 1. In a shorter list it stands at the end.
        position: usize,
    },
    /// These items' scores are raised.
    Boost {
        /// Which.
        which: Which,
        /// By how much: from 0 to 1,000.
        amount: f32,
    },
    /// These items' scores are lowered.
    Bury {
        /// Which.
        which: Which,
        /// By how much: from 0 to 1,000.
        amount: f32,
    },
    /// Only items that match are ranked.
    Require(Filter),
    /// These items are not ranked.
    Exclude(Which),
    /// At most so many hits of one value of a field.
    Cap(Cap),
}

impl Rule {
    /// The name that bindings and explanations use.
    pub fn name(&self) -> &'static str {
        match self {
            Rule::Pin { .. } => "pin",
            Rule::Boost { .. } => "boost",
            Rule::Bury { .. } => "bury",
            Rule::Require(_) => "require",
            Rule::Exclude(_) => "exclude",
            Rule::Cap(_) => "cap",
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Rule::Pin { item, position } => {
                check_id("item", item)?;
                check_position(*position)
            }
            Rule::Boost { which, amount } | Rule::Bury { which, amount } => {
                check_amount(*amount)?;
                which.check()
            }
            Rule::Require(filter) => filter.check(),
            Rule::Exclude(which) => which.check(),
            Rule::Cap(cap) => cap.check(),
        }
    }
}

impl Which {
    fn check(&self) -> Result<()> {
        match self {
            Which::Ids(ids) => at_most("ids of one rule", limits::MAX_RULE_IDS, ids.len()),
            Which::Matching(filter) => filter.check(),
        }
    }
}

/// Checks the rules of a request or of a scenario: their number, and each one.
///
/// # Errors
/// Any error of kind [`crate::ErrorKind::Input`].
pub(crate) fn check_rules(rules: &[Rule]) -> Result<()> {
    at_most("rules", limits::MAX_RULES, rules.len())?;
    rules.iter().try_for_each(Rule::check)
}

/// Checks the name of a scenario.
///
/// # Errors
/// [`Error::InvalidArgument`] for an empty one, [`Error::LimitExceeded`] for one that is too long.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::argument("scenario", "a name of at least one byte", "an empty one"));
    }
    at_most("bytes of a scenario's name", limits::MAX_SCENARIO_NAME_BYTES, name.len())
}

fn check_position(position: usize) -> Result<()> {
    if position == 0 {
        return Err(Error::argument("position of a pin", "1 (the first place) or more", "0"));
    }
    at_most("position of a pin", limits::MAX_RESULTS, position)
}

fn check_amount(amount: f32) -> Result<()> {
    if (0.0..=limits::MAX_BOOST).contains(&amount) {
        return Ok(());
    }
    let expected = format!("a number from 0 to {}", limits::MAX_BOOST);
    Err(Error::argument("amount of a rule", expected, amount.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_rule_is_checked() {
        let boost = |amount| Rule::Boost { which: Which::ids(["a"]), amount };
        assert!(check_rules(&[boost(0.0), boost(1000.0)]).is_ok());
        for amount in [-0.1, 1000.1, f32::NAN, f32::INFINITY] {
            assert!(check_rules(&[boost(amount)]).is_err(), "{amount}");
        }
        let pin = |item: &str, position| Rule::Pin { item: item.into(), position };
        assert!(check_rules(&[pin("a", 1)]).is_ok());
        for wrong in [pin("", 1), pin("a", 0), pin("a", limits::MAX_RESULTS + 1)] {
            assert!(check_rules(&[wrong]).is_err());
        }
        let many = Rule::Exclude(Which::Ids(vec![String::new(); limits::MAX_RULE_IDS + 1]));
        assert_eq!(check_rules(&[many]).expect_err("too many").name(), "LimitExceeded");
        let nested = (0..40).fold(Filter::exists("a"), |filter, _| filter.not());
        assert_eq!(check_rules(&[Rule::Require(nested)]).expect_err("too deep").name(), "LimitExceeded");
        assert!(check_rules(&vec![pin("a", 1); limits::MAX_RULES + 1]).is_err());
    }

    #[test]
    fn names_are_bounded() {
        assert!(check_name("black friday").is_ok());
        assert!(check_name("").is_err() && check_name(&"x".repeat(129)).is_err());
    }
}
