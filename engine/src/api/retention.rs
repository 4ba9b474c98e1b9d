//! Which events are kept.

use serde::Deserialize;

use crate::base::error::{Error, Result};

/// Which events a store keeps: those that satisfy all that is given. The default keeps every event for ever.
///
/// Older events are removed in the background, or by [`Engine::apply_retention`](crate::Engine::apply_retention). What a person had of which item
/// (how often, when first and last, bought or disliked) is kept; what events say of items (popularity, what came next,
/// baskets) is that of the events which are kept. docs/RECOMMEND.md says when.
///
/// ```
/// let mut config = onelist::Config::default();
/// config.retention.per_user = Some(500);
/// config.retention.days = Some(730.0);
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Newest events that are kept of one user, at least 1.
    pub per_user: Option<usize>,
    /// Newest events that are kept in all, at least 1.
    pub total: Option<u64>,
    /// Days that an event is kept after its time, above 0 to 36,500.
    pub days: Option<f64>,
}

impl Retention {
    /// Whether anything is ever removed.
    pub(crate) fn is_on(&self) -> bool {
        *self != Retention::default()
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.per_user == Some(0) {
            return Err(Error::argument("retention.per_user", "at least 1", "0"));
        }
        if self.total == Some(0) {
            return Err(Error::argument("retention.total", "at least 1", "0"));
        }
        match self.days {
            Some(days) if !(days > 0.0 && days <= 36_500.0) => {
                Err(Error::argument("retention.days", "above 0, to 36,500", days.to_string()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_keep_nothing_are_refused_by_name() {
        let all = Retention::default();
        assert!(!all.is_on() && all.check().is_ok());
        for (retention, name) in [
            (Retention { per_user: Some(0), ..all }, "per_user"),
            (Retention { total: Some(0), ..all }, "total"),
            (Retention { days: Some(0.0), ..all }, "days"),
            (Retention { days: Some(f64::NAN), ..all }, "days"),
            (Retention { days: Some(36_501.0), ..all }, "days"),
        ] {
            let text = retention.check().expect_err(name).to_string();
            assert!(text.contains(&format!("retention.{name}")) && retention.is_on(), "{text}");
        }
        for kept in [Retention { per_user: Some(1), ..all }, Retention { total: Some(1), days: Some(36_500.0), ..all }]
        {
            assert!(kept.check().is_ok() && kept.is_on());
        }
    }
}
