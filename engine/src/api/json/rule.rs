//! Rules: an object with the name of the rule, and what that rule takes.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::controls::Cap;
use crate::api::filter::Filter;
use crate::api::rule::{Rule, Which};

/// What stands in an object, whichever rule it is, in the order in which it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    rule: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    // Scenarios that a store kept before 0.2 call it `most`.
    #[serde(alias = "most")]
    max: Option<usize>,
}

#[derive(Default, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    #[default]
    Pin,
    Boost,
    Bury,
    Require,
    Exclude,
    Cap,
}

impl Name {
    /// The parts that a rule of this name takes.
    fn takes(self) -> &'static [&'static str] {
        match self {
            Name::Pin => &["item", "position"],
            Name::Boost | Name::Bury => &["ids", "filter", "amount"],
            Name::Require => &["filter"],
            Name::Exclude => &["ids", "filter"],
            Name::Cap => &["field", "max"],
        }
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parts = Parts::deserialize(from)?;
        let takes = parts.rule.takes();
        match parts.given().into_iter().find(|part| !takes.contains(part)) {
            Some(foreign) => Err(D::Error::unknown_field(foreign, takes)),
            None => parts.into_rule(),
        }
    }
}

impl Parts {
    /// The names of the parts that are there, besides that of the rule.
    fn given(&self) -> Vec<&'static str> {
        let Parts { rule: _, item, position, ids, filter, amount, field, max } = self;
        let all = [
            ("item", item.is_some()),
            ("position", position.is_some()),
            ("ids", ids.is_some()),
            ("filter", filter.is_some()),
            ("amount", amount.is_some()),
            ("field", field.is_some()),
            ("max", max.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(part, _)| part).collect()
    }

    fn into_rule<E: Error>(self) -> Result<Rule, E> {
        let none = |key: &'static str| move || E::missing_field(key);
        let which = |ids: Option<Vec<String>>, filter: Option<Filter>| match (ids, filter) {
            (Some(ids), None) => Ok(Which::Ids(ids)),
            (None, Some(filter)) => Ok(Which::Matching(filter)),
            (Some(_), Some(_)) => Err(E::invalid_value(Unexpected::Other("both"), &"one of `ids` and `filter`")),
            (None, None) => Err(E::invalid_value(Unexpected::Other("neither"), &"one of `ids` and `filter`")),
        };
        Ok(match self.rule {
            Name::Pin => Rule::Pin {
                item: self.item.ok_or_else(none("item"))?,
                position: self.position.ok_or_else(none("position"))?,
            },
            Name::Boost => {
                Rule::Boost { which: which(self.ids, self.filter)?, amount: self.amount.ok_or_else(none("amount"))? }
            }
            Name::Bury => {
                Rule::Bury { which: which(self.ids, self.filter)?, amount: self.amount.ok_or_else(none("amount"))? }
            }
            Name::Require => Rule::Require(self.filter.ok_or_else(none("filter"))?),
            Name::Exclude => Rule::Exclude(which(self.ids, self.filter)?),
            Name::Cap => {
                Rule::Cap(Cap { field: self.field.ok_or_else(none("field"))?, max: self.max.ok_or_else(none("max"))? })
            }
        })
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Parts::of(self.clone()).serialize(to)
    }
}

impl Parts {
    fn of(rule: Rule) -> Parts {
        let none = Parts::default();
        match rule {
            Rule::Pin { item, position } => {
                Parts { rule: Name::Pin, item: Some(item), position: Some(position), ..none }
            }
            Rule::Boost { which, amount } => Parts { rule: Name::Boost, amount: Some(amount), ..none.with(which) },
            Rule::Bury { which, amount } => Parts { rule: Name::Bury, amount: Some(amount), ..none.with(which) },
            Rule::Require(filter) => Parts { rule: Name::Require, filter: Some(filter), ..none },
            Rule::Exclude(which) => Parts { rule: Name::Exclude, ..none.with(which) },
            Rule::Cap(Cap { field, max }) => Parts { rule: Name::Cap, field: Some(field), max: Some(max), ..none },
        }
    }

    fn with(self, which: Which) -> Parts {
        match which {
            Which::Ids(ids) => Parts { ids: Some(ids), ..self },
            Which::Matching(filter) => Parts { filter: Some(filter), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json::{rules_from_json, rules_to_json};
    use crate::base::limits;
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
        assert!(refused(r#"[{"rule": "promote"}]"#).starts_with("rules[0].rule: expected one of pin, boost, bury"));
        assert!(refused(r#"[{"rule": "pin", "item": "a"}]"#).contains("`position`"));
        assert!(refused(r#"[{"rule": "boost", "amount": 1}]"#).contains("neither"));
        assert!(refused(r#"[{"rule": "exclude", "ids": [], "filter": {}}]"#).contains("both"));
        assert!(refused(r#"[{"rule": "cap", "field": "f", "max": 1, "ids": ["a"]}]"#).contains("rules[0].ids"));
        assert!(refused(r#"[{"rule": "boost", "ids": ["a"], "amount": 1e39}]"#).contains("rules[0].amount"));
        let many = vec![r#"{"rule": "require", "filter": {}}"#; limits::MAX_RULES + 1].join(",");
        assert_eq!(rules_from_json(&format!("[{many}]")).expect_err("too many").name(), "LimitExceeded");
    }
}
