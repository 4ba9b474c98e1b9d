//! Scenarios, checked and as the text that is stored.

use crate::api::json::{rules_from_json, rules_to_json};
use crate::api::rule::{Rule, check_name, check_rules};
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// The name and the rules as JSON text.
///
/// # Errors
/// What [`check_rules`] and [`check_name`] refuse; [`Error::LimitExceeded`] for too long a text;
/// [`Error::InvalidArgument`] for a filter that JSON has no form for.
pub(crate) fn prepare_scenario(name: &str, rules: &[Rule]) -> Result<(String, String)> {
    check_name(name)?;
    check_rules(rules)?;
    let text = rules_to_json(rules)?;
    at_most("bytes of a scenario", limits::MAX_SCENARIO_BYTES, text.len())?;
    // A field called `and`, `or` or `not` would be read back as something else.
    if rules_from_json(&text).ok().as_deref() != Some(rules) {
        let expected = "filters on fields that are not called `and`, `or` or `not`";
        return Err(Error::argument(format!("scenario `{name}`"), expected, "one that is"));
    }
    Ok((name.to_owned(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::filter::Filter;

    #[test]
    fn what_would_not_come_back_is_refused() {
        let rule = |field: &str| [Rule::Require(Filter::equal(field, "x"))];
        assert!(prepare_scenario("s", &rule("and then")).is_ok());
        for word in ["and", "or", "not"] {
            assert_eq!(prepare_scenario("s", &rule(word)).expect_err("refused").name(), "InvalidArgument");
        }
        let long = Rule::Exclude(crate::api::rule::Which::Ids(vec!["x".repeat(500); 5000]));
        assert_eq!(prepare_scenario("s", &[long]).expect_err("refused").name(), "LimitExceeded");
    }
}
