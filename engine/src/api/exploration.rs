//! What is shown besides what the scores say, and what is kept of it: impressions, exploration, places for new items.

use serde::Deserialize;

use crate::api::decode::Short;
use crate::base::error::{Error, Result};

/// Which impressions are logged, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Impressions {
    /// Whether rankings are logged at all (default: yes).
    pub enabled: bool,
    /// The fraction of rankings that is logged, 0 to 1 (default 1).
    pub fraction: f64,
    /// Impressions that are kept; the oldest go first. 1 to 10,000,000 (default 100,000).
    pub max: u64,
}

impl Default for Impressions {
    fn default() -> Self {
        Impressions { enabled: true, fraction: 1.0, max: 100_000 }
    }
}

impl Impressions {
    /// Logs nothing.
    pub fn off() -> Impressions {
        Impressions { enabled: false, ..Impressions::default() }
    }

    pub(crate) fn check(&self) -> Result<()> {
        in_fraction("impressions.fraction", self.fraction)?;
        if !(1..=10_000_000).contains(&self.max) {
            return Err(Error::argument("impressions.max", "1 to 10,000,000", self.max.to_string()));
        }
        Ok(())
    }
}

impl Short for Impressions {
    const EXPECTED: &str = "true, false or an object with `enabled`, `fraction` and `max`";

    fn of_flag(enabled: bool) -> Option<Self> {
        Some(Impressions { enabled, ..Impressions::default() })
    }
}

/// Lists whose order is drawn at random, with known probabilities, so that other orders can be judged by what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exploration {
    /// The fraction of requests whose order is drawn from a Plackett-Luce model (Plackett 1975) over the scores, 0 to 1.
    pub fraction: f64,
    /// What a score is divided by before it becomes a log weight, 0 to 100, in units of the score: a hit that is better
    /// by one temperature is drawn `e` times as often. 0 keeps the model's order.
    pub temperature: f32,
    /// The fraction of requests on which a random pair of neighbouring hits changes places with probability 1/2, 0 to 1:
    /// what position bias is learnt from (Joachims, Swaminathan and Schnabel, WSDM 2017). `fraction + swaps` is at most 1.
    pub swaps: f64,
}

impl Default for Exploration {
    /// Explores nothing; the temperature is 0.1.
    fn default() -> Self {
        Exploration { fraction: 0.0, temperature: 0.1, swaps: 0.0 }
    }
}

impl Exploration {
    pub(crate) fn check(&self) -> Result<()> {
        in_fraction("explore.fraction", self.fraction)?;
        in_fraction("explore.swaps", self.swaps)?;
        in_fraction("explore.fraction + explore.swaps", self.fraction + self.swaps)?;
        if !(0.0..=100.0).contains(&self.temperature) {
            return Err(Error::argument("explore.temperature", "0 to 100", self.temperature.to_string()));
        }
        Ok(())
    }
}

/// A fraction of every list that new items get, whatever their scores; the better its content fits the request and the less
/// an item was shown, the likelier it is its turn.
///
/// An item is new while it is younger than `days`, was shown fewer than `shown_below` times, or has fewer than
/// `events_below` events; what is not given counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewItems {
    /// The fraction of the places of a list that goes to new items, 0 to 1: more where their scores place more. Where it is no whole number of places it
    /// is rounded at random, so that its mean is exact.
    pub fraction: f64,
    /// Days since the item became available (see `Config::date_field`), above 0 to 36,500.
    pub days: Option<f64>,
    /// Impressions, each counted as likely as its place is to be looked at; above 0, at most 1e9.
    pub shown_below: Option<f64>,
    /// Positive events, each counted by the weight of its action; above 0, at most 1e9.
    pub events_below: Option<f64>,
    /// How well the content of a new item has to fit the request for a place that its score does not give it, -1 to 1
    /// (default: not at all, and the fraction is guaranteed). With it, `fraction` is the most that is given, and requests that new
    /// items fit have more of them. The fit is a cosine of the model's item vectors: with the query; without one, half of
    /// that with the last item that the history speaks for, a quarter of the best with any of them, a quarter of that with
    /// their mean by recency. Where a request says nothing of what is wanted, nothing fits.
    pub min_fit: Option<f64>,
}

impl NewItems {
    pub(crate) fn check(&self) -> Result<()> {
        in_fraction("new_items.fraction", self.fraction)?;
        for (what, given, most) in [
            ("new_items.days", self.days, 36_500.0),
            ("new_items.shown_below", self.shown_below, 1e9),
            ("new_items.events_below", self.events_below, 1e9),
        ] {
            if given.is_some_and(|given| !(given > 0.0 && given <= most)) {
                let found = given.unwrap_or_default().to_string();
                return Err(Error::argument(what, format!("above 0, at most {most}"), found));
            }
        }
        if let Some(least) = self.min_fit.filter(|least| !(-1.0..=1.0).contains(least)) {
            return Err(Error::argument("new_items.min_fit", "-1 to 1", least.to_string()));
        }
        if self.fraction > 0.0 && !self.says_what_is_new() {
            return Err(Error::argument("new_items", "`days`, `shown_below` or `events_below`", "none of them"));
        }
        Ok(())
    }

    /// Whether anything can be new.
    pub(crate) fn says_what_is_new(&self) -> bool {
        self.days.or(self.shown_below).or(self.events_below).is_some()
    }
}

fn in_fraction(what: &str, found: f64) -> Result<()> {
    if (0.0..=1.0).contains(&found) {
        return Ok(());
    }
    Err(Error::argument(what, "0 to 1", found.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(Impressions::default().check().is_ok() && Impressions::off().check().is_ok());
        assert!(Impressions { fraction: f64::NAN, ..Impressions::default() }.check().is_err());
        assert!(Impressions { max: 0, ..Impressions::default() }.check().is_err());
        let explore = Exploration { fraction: 0.6, swaps: 0.4, ..Exploration::default() };
        assert!(explore.check().is_ok());
        assert!(Exploration { swaps: 0.5, ..explore }.check().is_err(), "more than all requests");
        for temperature in [f32::NAN, f32::INFINITY, -1.0, 101.0] {
            assert!(Exploration { temperature, ..explore }.check().is_err());
        }
        let new = NewItems { fraction: 0.1, days: Some(7.0), ..NewItems::default() };
        assert!(new.check().is_ok() && NewItems::default().check().is_ok());
        assert!(NewItems { days: None, ..new }.check().is_err(), "nothing is new");
        assert!(NewItems { days: Some(0.0), ..new }.check().is_err());
        assert!(NewItems { shown_below: Some(f64::NAN), ..new }.check().is_err());
        for least in [f64::NAN, 1.1, -2.0] {
            assert!(NewItems { min_fit: Some(least), ..new }.check().is_err(), "{least}");
        }
        assert!(NewItems { min_fit: Some(0.5), ..new }.check().is_ok());
    }
}
