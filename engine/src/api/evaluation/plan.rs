//! What to measure, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::api::exploration::NewItems;
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

use super::external::External;

/// Where a global time split cuts the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SplitAt {
    /// After this fraction of all events, counted from the oldest: above 0 and below 1.
    Fraction(f64),
    /// At this time: events from then on may be targets.
    Time(Timestamp),
}

/// Which events may be targets, and what is hidden from the systems.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// Targets lie after one moment, the same for everybody. The default: it is the only protocol that asks what a system
    /// would have been asked.
    GlobalTimeSplit {
        /// The moment.
        at: SplitAt,
    },
    /// The last event of each user. Whatever was fitted to the whole log has then seen the future of most targets; the
    /// report warns of it.
    LeaveLastOut,
    /// A fraction of the items is hidden: none of their events is logged, and these events are the targets. All items are
    /// ranked, hidden ones and others.
    ItemCold {
        /// Share of items that are hidden: above 0, at most 0.5.
        fraction: f64,
    },
    /// A fraction of the users is hidden: none of their events is logged. They are asked for with their events so far as the
    /// history of the request.
    UserCold {
        /// Share of users that are hidden: above 0, at most 0.9.
        fraction: f64,
    },
}

/// Which of the events that the protocol admits are targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Targets {
    /// The first event of each user whose item is new to them.
    FirstNew,
    /// The first event of each user, items they had before included.
    First,
    /// The last event of each user.
    Last,
    /// Every event. Intervals then resample users, not events.
    Every,
}

/// A query with graded items: the cell "query", or "query and history" when it has a user.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedQuery {
    /// What is searched for.
    pub query: String,
    /// Grades by item id: 0 (not relevant) to 10; the gain is `2^grade - 1`. What has no grade counts 0.
    #[serde(default, deserialize_with = "grades")]
    pub grades: BTreeMap<String, f64>,
    /// Whose history counts.
    pub user: Option<String>,
    /// When it is asked: what was logged before is known. After the whole log when not given.
    pub time: Option<Timestamp>,
}

/// Grades by id; in their place a list of ids, which all have grade 1.
fn grades<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<BTreeMap<String, f64>, D::Error> {
    struct Grades;
    impl<'de> Visitor<'de> for Grades {
        type Value = BTreeMap<String, f64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of grades by item id, or an array of item ids")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut ids: A) -> std::result::Result<Self::Value, A::Error> {
            let mut grades = BTreeMap::new();
            while let Some(id) = ids.next_element()? {
                grades.insert(id, 1.0);
            }
            Ok(grades)
        }

        fn visit_map<A: MapAccess<'de>>(self, grades: A) -> std::result::Result<Self::Value, A::Error> {
            Deserialize::deserialize(MapAccessDeserializer::new(grades))
        }
    }
    from.deserialize_any(Grades)
}

/// The engine with other weights or another model, measured beside `rank`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in the report.
    pub name: String,
    /// [`crate::Config::weights`]; none for those of the model.
    #[serde(default)]
    pub weights: Vec<Vec<f32>>,
    /// The folder of another model; `None` for the one that answers. For one of another vector space every item is placed anew.
    /// Without `weights`, it is calibrated on the way where `rank` is.
    pub model: Option<PathBuf>,
}

/// What to measure. `Plan::default()` is a global time split at nine tenths of the log, full ranking, all baselines.
///
/// ```
/// use onelist::{Plan, Protocol};
/// let mut plan = Plan::default();
/// plan.protocol = Protocol::ItemCold { fraction: 0.1 };
/// plan.max_targets = 500;
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Plan {
    /// Which events may be targets.
    // In JSON its parts stand beside the other keys; they are read apart, and named here to be known.
    #[serde(alias = "at_fraction", alias = "at_time", alias = "fraction", deserialize_with = "read_apart")]
    pub protocol: Protocol,
    /// Which of them are.
    pub targets: Targets,
    /// Events after this time are left out of the log: for choosing settings on earlier time than is reported.
    pub until: Option<Timestamp>,
    /// Leave what a user has had out of every list, and out of the targets. No when re-buys count.
    pub exclude_seen: bool,
    /// Events that a user must have before a target (default 1). With 0, first visits are asked too.
    pub min_history: usize,
    /// Lengths of list that are scored (default 10). The first is the one that intervals and the verdict are about.
    pub ks: Vec<usize>,
    /// Most targets; when there are more, as many are drawn by the seed (default 2000).
    pub max_targets: usize,
    /// Searches to measure; empty measures recommendation alone.
    pub queries: Vec<JudgedQuery>,
    /// Measure recommendation (default). Without it, events are only replayed for the searches.
    pub next_item: bool,
    /// Run the baselines (default).
    pub baselines: bool,
    /// Leave out each feature and each source in turn, to show what it is worth (default no).
    pub leave_out: bool,
    /// Calibrate on the way: `rank` has at each target the weights that a store would have fitted to the log before it
    /// (default no: the weights in force, which may have seen the targets).
    pub tune: bool,
    /// Places for new items in every list that is measured (default none), as [`crate::Request`] takes it.
    pub new_items: Option<NewItems>,
    /// Other weights and models, each measured beside `rank`.
    pub variants: Vec<Variant>,
    /// Systems from elsewhere, by their answers to [`crate::Engine::questions`], measured beside `rank`.
    pub external: Vec<External>,
    /// The tag field whose mix in lists is compared with that in histories; the first tag field when not given.
    pub category: Option<String>,
    /// Resamples behind each interval, 100 to 20,000 (default 1000).
    pub resamples: usize,
    /// Targets at which the point-in-time check compares answers, 0 to skip it (default 20).
    pub check_targets: usize,
    /// Names the draw of hidden items, targets and resamples: the same seed gives the same report.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            protocol: Protocol::GlobalTimeSplit { at: SplitAt::Fraction(0.9) },
            targets: Targets::FirstNew,
            until: None,
            exclude_seen: true,
            min_history: 1,
            ks: vec![10],
            max_targets: 2000,
            queries: Vec::new(),
            next_item: true,
            baselines: true,
            leave_out: false,
            tune: false,
            new_items: None,
            variants: Vec::new(),
            external: Vec::new(),
            category: None,
            resamples: 1000,
            check_targets: 20,
            seed: 1,
        }
    }
}

/// Is never asked: see `api/json/plan.rs`.
fn read_apart<'de, D: Deserializer<'de>>(_: D) -> std::result::Result<Protocol, D::Error> {
    Err(serde::de::Error::custom("the parts of a protocol"))
}

impl Plan {
    /// Checks every number once, before anything is replayed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::LimitExceeded`], [`Error::InvalidId`] or [`Error::NonFinite`].
    pub(crate) fn check(&self) -> Result<()> {
        self.check_shares()?;
        self.new_items.as_ref().map_or(Ok(()), NewItems::check)?;
        if self.ks.is_empty() || self.ks.len() > 8 || self.ks.iter().any(|k| !(1..=limits::MAX_K).contains(k)) {
            let expected = format!("1 to 8 lengths of list, each 1 to {}", limits::MAX_K);
            return Err(Error::argument("ks", expected, format!("{} numbers", self.ks.len())));
        }
        at_most("targets", limits::MAX_TARGETS, self.max_targets)?;
        at_most("judged queries", limits::MAX_TARGETS, self.queries.len())?;
        at_most("variants", limits::MAX_VARIANTS, self.variants.len())?;
        at_most("external systems", limits::MAX_EXTERNAL, self.external.len())?;
        self.external.iter().try_for_each(External::check)?;
        if !(100..=limits::MAX_RESAMPLES).contains(&self.resamples) {
            let expected = format!("100 to {}", limits::MAX_RESAMPLES);
            return Err(Error::argument("resamples", expected, self.resamples.to_string()));
        }
        if !self.next_item && self.queries.is_empty() {
            return Err(Error::argument("plan", "targets (next_item) or queries", "neither"));
        }
        self.queries.iter().try_for_each(JudgedQuery::check)
    }

    fn check_shares(&self) -> Result<()> {
        let (what, fraction, most) = match self.protocol {
            Protocol::GlobalTimeSplit { at: SplitAt::Fraction(fraction) } => {
                ("fraction of a time split", fraction, 0.999_999)
            }
            Protocol::ItemCold { fraction } => ("fraction of hidden items", fraction, 0.5),
            Protocol::UserCold { fraction } => ("fraction of hidden users", fraction, 0.9),
            _ => return Ok(()),
        };
        if fraction > 0.0 && fraction <= most {
            return Ok(());
        }
        Err(Error::argument(what, format!("above 0, at most {most}"), fraction.to_string()))
    }
}

impl JudgedQuery {
    fn check(&self) -> Result<()> {
        at_most("bytes of a judged query", limits::MAX_QUERY_BYTES, self.query.len())?;
        at_most("grades of a judged query", limits::MAX_BATCH, self.grades.len())?;
        if let Some(user) = &self.user {
            check_id("user", user)?;
        }
        if let Some((id, grade)) = self.grades.iter().find(|(_, grade)| !(0.0..=10.0).contains(*grade)) {
            return Err(Error::argument(format!("grade of `{id}`"), "0 to 10", grade.to_string()));
        }
        Ok(())
    }
}
