//! Rules and scenarios, from JSON and to it.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::control::cap;
use super::filter::filter;
use super::parse::{Json, one};
use super::place::{Place, shortened};
use super::read::{entries, given, list, missing, single, text, texts, unknown, whole};
use super::write::{Written, to_string};
use crate::api::controls::Cap;
use crate::api::filter::{Compare, Filter, Scalar};
use crate::api::rule::{Rule, Which};
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// Reads rules: an array of objects, each with the name of its `rule` and what that takes.
///
/// ```
/// let rules = onelist::json::rules_from_json(
///     r#"[{"rule": "pin", "item": "sku-9", "position": 1},
///         {"rule": "boost", "filter": {"tags": "new"}, "amount": 0.2},
///         {"rule": "bury", "ids": ["sku-1"], "amount": 0.5},
///         {"rule": "require", "filter": {"in_stock": true}},
///         {"rule": "exclude", "ids": ["sku-2"]},
///         {"rule": "cap", "field": "brand", "most": 2}]"#,
/// )?;
/// assert_eq!(rules.len(), 6);
/// # Ok::<(), onelist::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] or [`Error::UnknownField`], naming the place, or [`Error::LimitExceeded`].
pub fn rules_from_json(json: &str) -> Result<Vec<Rule>> {
    rules(one("rules", json)?, &Place::Root("rules"))
}

/// Writes rules so that [`rules_from_json`] reads the same ones.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn rules_to_json(rules: &[Rule]) -> Result<String> {
    to_string(&RulesForm(rules))
}

/// Writes scenarios: an object that maps each name to its rules.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn scenarios_to_json(scenarios: &BTreeMap<String, Vec<Rule>>) -> Result<String> {
    to_string(&scenarios.iter().map(|(name, rules)| (name, RulesForm(rules))).collect::<BTreeMap<_, _>>())
}

/// As [`rules_from_json`], on a tree.
pub(super) fn rules(json: Json<'_>, at: &Place<'_>) -> Result<Vec<Rule>> {
    if let Json::List(list) = &json {
        at_most("rules", limits::MAX_RULES, list.len())?;
    }
    list(json, at, rule)
}

/// What stands in an object, whichever rule it is.
#[derive(Default)]
struct Parts {
    rule: Option<String>,
    item: Option<String>,
    position: Option<usize>,
    ids: Option<Vec<String>>,
    filter: Option<Filter>,
    amount: Option<f32>,
    field: Option<String>,
    most: Option<usize>,
}

fn rule(json: Json<'_>, at: &Place<'_>) -> Result<Rule> {
    const KNOWN: [&str; 8] = ["rule", "item", "position", "ids", "filter", "amount", "field", "most"];
    let mut parts = Parts::default();
    let mut given_keys = Vec::new();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        if !matches!(json, Json::Null) {
            given_keys.push(key.clone());
        }
        match &*key {
            "rule" => parts.rule = given(json, at, text)?,
            "item" => parts.item = given(json, at, text)?,
            "position" => parts.position = given(json, at, whole)?,
            "ids" => parts.ids = given(json, at, texts)?,
            "filter" => parts.filter = given(json, at, filter)?,
            "amount" => parts.amount = given(json, at, single)?,
            "field" => parts.field = given(json, at, text)?,
            "most" => parts.most = given(json, at, whole)?,
            _ => return Err(unknown(at, &KNOWN)),
        }
    }
    let name = parts.rule.take().ok_or_else(|| missing(at, "rule"))?;
    let takes: &[&str] = match &*name {
        "pin" => &["item", "position"],
        "boost" | "bury" => &["ids", "filter", "amount"],
        "require" => &["filter"],
        "exclude" => &["ids", "filter"],
        "cap" => &["field", "most"],
        other => {
            let found = format!("\"{}\"", shortened(other));
            return Err(Error::argument(
                at.key("rule").to_string(),
                "pin, boost, bury, require, exclude or cap",
                found,
            ));
        }
    };
    if let Some(foreign) = given_keys.iter().find(|key| **key != "rule" && !takes.contains(&key.as_ref())) {
        return Err(unknown(&at.key(foreign), takes));
    }
    parts.into_rule(&name, at)
}

impl Parts {
    fn into_rule(self, name: &str, at: &Place<'_>) -> Result<Rule> {
        let none = |key: &'static str| move || missing(at, key);
        let which = |ids: Option<Vec<String>>, filter: Option<Filter>| match (ids, filter) {
            (Some(ids), None) => Ok(Which::Ids(ids)),
            (None, Some(filter)) => Ok(Which::Matching(filter)),
            (Some(_), Some(_)) => Err(Error::argument(at.to_string(), "one of `ids` and `filter`", "both")),
            (None, None) => Err(Error::argument(at.to_string(), "one of `ids` and `filter`", "neither")),
        };
        Ok(match name {
            "pin" => Rule::Pin {
                item: self.item.ok_or_else(none("item"))?,
                position: self.position.ok_or_else(none("position"))?,
            },
            "boost" => {
                Rule::Boost { which: which(self.ids, self.filter)?, amount: self.amount.ok_or_else(none("amount"))? }
            }
            "bury" => {
                Rule::Bury { which: which(self.ids, self.filter)?, amount: self.amount.ok_or_else(none("amount"))? }
            }
            "require" => Rule::Require(self.filter.ok_or_else(none("filter"))?),
            "exclude" => Rule::Exclude(which(self.ids, self.filter)?),
            _ => Rule::Cap(cap(self.field, self.most, at)?),
        })
    }
}

struct RulesForm<'r>(&'r [Rule]);

impl Serialize for RulesForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        to.collect_seq(self.0.iter().map(RuleForm))
    }
}

struct RuleForm<'r>(&'r Rule);

impl Serialize for RuleForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("rule", self.0.name())?;
        match self.0 {
            Rule::Pin { item, position } => {
                map.serialize_entry("item", item)?;
                map.serialize_entry("position", position)?;
            }
            Rule::Boost { which, amount } | Rule::Bury { which, amount } => {
                write_which::<S>(which, &mut map)?;
                map.serialize_entry("amount", amount)?;
            }
            Rule::Require(filter) => map.serialize_entry("filter", &FilterForm(filter))?,
            Rule::Exclude(which) => write_which::<S>(which, &mut map)?,
            Rule::Cap(Cap { field, most }) => {
                map.serialize_entry("field", field)?;
                map.serialize_entry("most", most)?;
            }
        }
        map.end()
    }
}

fn write_which<S: Serializer>(which: &Which, map: &mut S::SerializeMap) -> std::result::Result<(), S::Error> {
    match which {
        Which::Ids(ids) => map.serialize_entry("ids", ids),
        Which::Matching(filter) => map.serialize_entry("filter", &FilterForm(filter)),
    }
}

/// A filter, in the form that [`filter_from_json`](super::filter_from_json) reads. It is nested no deeper than
/// [`Filter::check`] lets it be.
struct FilterForm<'f>(&'f Filter);

impl Serialize for FilterForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let mut map = to.serialize_map(Some(1))?;
        match self.0 {
            Filter::And(all) => map.serialize_entry("and", &all.iter().map(FilterForm).collect::<Vec<_>>())?,
            Filter::Or(any) => map.serialize_entry("or", &any.iter().map(FilterForm).collect::<Vec<_>>())?,
            Filter::Not(inner) => map.serialize_entry("not", &FilterForm(inner))?,
            Filter::Compare { field, compare, value } => {
                map.serialize_entry(field, &Operator(sign(*compare), ScalarForm(value)))?;
            }
            Filter::In { field, values } => {
                map.serialize_entry(field, &Operator("in", values.iter().map(ScalarForm).collect::<Vec<_>>()))?;
            }
            Filter::Exists { field } => map.serialize_entry(field, &Operator("exists", true))?,
            Filter::Match { field, text } => map.serialize_entry(field, &Operator("match", text))?,
            Filter::Near { field, lat, lon, meters } => {
                let near = BTreeMap::from([("lat", lat), ("lon", lon), ("meters", meters)]);
                map.serialize_entry(field, &Operator("near", near))?;
            }
        }
        map.end()
    }
}

fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "=",
        Compare::Less => "<",
        Compare::LessOrEqual => "<=",
        Compare::Greater => ">",
        Compare::GreaterOrEqual => ">=",
    }
}

/// `{operator: value}`.
struct Operator<T>(&'static str, T);

impl<T: Serialize> Serialize for Operator<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        to.collect_map([(self.0, &self.1)])
    }
}

struct ScalarForm<'s>(&'s Scalar);

impl Serialize for ScalarForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        match self.0 {
            Scalar::Text(text) => to.serialize_str(text),
            Scalar::Number(number) => to.serialize_f64(*number),
            Scalar::Bool(flag) => to.serialize_bool(*flag),
            Scalar::Date(time) => to.collect_map([("date", time.seconds())]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn rules_come_back_as_they_were() {
        let near = Filter::near("place", 48.5, -2.25, 1e3);
        let dated = Filter::at_least("released", Timestamp::from_millis(1_700_000_000_123));
        let either = Filter::one_of("tags", ["a", "b"]).or(Filter::matches_text("title", "red \"shoes\""));
        let all = near.and(dated).and(either).and(Filter::exists("x").not()).and(Filter::equal("n", 0.1));
        let rules = vec![
            Rule::Pin { item: "sku\n9".into(), position: 3 },
            Rule::Boost { which: Which::Matching(all.clone()), amount: 0.3 },
            Rule::Bury { which: Which::ids(["a", "b"]), amount: 1000.0 },
            Rule::Require(Filter::equal("sold", false).and(Filter::less("n", -5.0))),
            Rule::Require(Filter::And(vec![])),
            Rule::Exclude(Which::ids(Vec::<String>::new())),
            Rule::Exclude(Which::Matching(all)),
            Rule::Cap(Cap::new("brand", 2)),
        ];
        let text = rules_to_json(&rules).expect("writes");
        assert_eq!(rules_from_json(&text).expect("reads"), rules, "{text}");
    }

    #[test]
    fn a_rule_takes_its_own_parts_and_no_others() {
        let refused = |text: &str| rules_from_json(text).expect_err("must be refused").to_string();
        assert!(refused(r#"[{"item": "a"}]"#).contains("rules[0]") && refused(r#"[{"item": "a"}]"#).contains("`rule`"));
        assert!(refused(r#"[{"rule": "promote"}]"#).starts_with("rules[0].rule: expected pin, boost, bury"));
        assert!(refused(r#"[{"rule": "pin", "item": "a"}]"#).contains("`position`"));
        assert!(refused(r#"[{"rule": "boost", "amount": 1}]"#).contains("neither"));
        assert!(refused(r#"[{"rule": "exclude", "ids": [], "filter": {}}]"#).contains("both"));
        assert!(refused(r#"[{"rule": "cap", "field": "f", "most": 1, "ids": ["a"]}]"#).contains("rules[0].ids"));
        assert!(refused(r#"[{"rule": "boost", "ids": ["a"], "amount": 1e39}]"#).contains("rules[0].amount"));
        let many = format!("[{}{{}}]", "{},".repeat(limits::MAX_RULES));
        assert_eq!(rules_from_json(&many).expect_err("too many").name(), "LimitExceeded");
    }
}
