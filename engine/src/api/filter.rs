//! Filters: which items may be ranked at all.

use crate::api::item::{Fields, Kind, Value, check_place};
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

/// A value that a filter compares with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// Compared with a whole text or with each tag, byte by byte.
    Text(String),
    /// Compared with numbers; with a date field it means seconds since the Unix epoch.
    Number(f64),
    /// Compared with booleans.
    Bool(bool),
    /// Compared with dates.
    Date(Timestamp),
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Scalar::Text(text.to_owned())
    }
}

impl From<f64> for Scalar {
    fn from(number: f64) -> Self {
        Scalar::Number(number)
    }
}

impl From<bool> for Scalar {
    fn from(flag: bool) -> Self {
        Scalar::Bool(flag)
    }
}

impl From<Timestamp> for Scalar {
    fn from(time: Timestamp) -> Self {
        Scalar::Date(time)
    }
}

/// How a comparison orders its two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Equal; for tags: contains.
    Equal,
    /// Less than (numbers and dates).
    Less,
    /// At most (numbers and dates).
    LessOrEqual,
    /// Greater than (numbers and dates).
    Greater,
    /// At least (numbers and dates).
    GreaterOrEqual,
}

/// A condition on the fields of an item. An item without the field never satisfies a condition on it (so `Not` of the
/// condition is satisfied).
///
/// ```
/// use onelist::Filter;
/// let filter = Filter::at_least("price", 10.0).and(Filter::equal("in_stock", true)).and(Filter::one_of("tags", ["red", "blue"]));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// The field compares so with the value.
    Compare {
        /// Field name.
        field: String,
        /// Which comparison.
        compare: Compare,
        /// The right-hand side.
        value: Scalar,
    },
    /// The field equals one of the values.
    In {
        /// Field name.
        field: String,
        /// The values; none matches nothing.
        values: Vec<Scalar>,
    },
    /// The item has the field.
    Exists {
        /// Field name.
        field: String,
    },
    /// The text or tags contain every word of `text`, after the same stemming as search.
    Match {
        /// Field name.
        field: String,
        /// The words; a text without words matches nothing.
        text: String,
    },
    /// The place is within a great-circle distance.
    Near {
        /// Field name.
        field: String,
        /// Degrees north of the centre.
        lat: f64,
        /// Degrees east of the centre.
        lon: f64,
        /// Distance in metres on a sphere of radius 6,371,008.8 m.
        meters: f64,
    },
    /// All of these hold; none: everything matches.
    And(Vec<Filter>),
    /// One of these holds; none: nothing matches.
    Or(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
}

impl Filter {
    /// The field equals the value, or a tag does.
    pub fn equal(field: impl Into<String>, value: impl Into<Scalar>) -> Filter {
        Filter::Compare { field: field.into(), compare: Compare::Equal, value: value.into() }
    }

    /// The number or date is at least the value.
    pub fn at_least(field: impl Into<String>, value: impl Into<Scalar>) -> Filter {
        Filter::Compare { field: field.into(), compare: Compare::GreaterOrEqual, value: value.into() }
    }

    /// The number or date is less than the value.
    pub fn less(field: impl Into<String>, value: impl Into<Scalar>) -> Filter {
        Filter::Compare { field: field.into(), compare: Compare::Less, value: value.into() }
    }

    /// The field, or a tag, equals one of the values.
    pub fn one_of<T: Into<Scalar>>(field: impl Into<String>, values: impl IntoIterator<Item = T>) -> Filter {
        Filter::In { field: field.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// The item has the field.
    pub fn exists(field: impl Into<String>) -> Filter {
        Filter::Exists { field: field.into() }
    }

    /// The field contains every word of the text.
    pub fn matches_text(field: impl Into<String>, text: impl Into<String>) -> Filter {
        Filter::Match { field: field.into(), text: text.into() }
    }

    /// The place is within `meters` of a centre.
    pub fn near(field: impl Into<String>, lat: f64, lon: f64, meters: f64) -> Filter {
        Filter::Near { field: field.into(), lat, lon, meters }
    }

    /// Both hold.
    pub fn and(self, other: Filter) -> Filter {
        match self {
            Filter::And(mut all) => {
                all.push(other);
                Filter::And(all)
            }
            one => Filter::And(vec![one, other]),
        }
    }

    /// One of the two holds.
    pub fn or(self, other: Filter) -> Filter {
        match self {
            Filter::Or(mut any) => {
                any.push(other);
                Filter::Or(any)
            }
            one => Filter::Or(vec![one, other]),
        }
    }

    /// The opposite.
    #[expect(clippy::should_implement_trait, reason = "reads as a filter word beside `and` and `or`")]
    pub fn not(self) -> Filter {
        Filter::Not(Box::new(self))
    }

    /// Checks nesting, size and numbers.
    pub(crate) fn check(&self) -> Result<()> {
        let mut leaves = 0;
        self.check_at(1, &mut leaves)
    }

    fn check_at(&self, depth: usize, leaves: &mut usize) -> Result<()> {
        at_most("nesting of a filter", limits::MAX_FILTER_DEPTH, depth)?;
        *leaves += 1;
        match self {
            Filter::And(all) | Filter::Or(all) => {
                all.iter().try_for_each(|filter| filter.check_at(depth + 1, leaves))?;
            }
            Filter::Not(inner) => inner.check_at(depth + 1, leaves)?,
            Filter::In { field, values } => {
                *leaves += values.len();
                values.iter().try_for_each(|value| check_scalar(field, value))?;
            }
            Filter::Compare { field, value, .. } => check_scalar(field, value)?,
            Filter::Near { field, lat, lon, meters } => {
                check_place(field, *lat, *lon)?;
                if !meters.is_finite() || *meters < 0.0 {
                    return Err(Error::argument("near", "a distance of 0 metres or more", meters.to_string()));
                }
            }
            Filter::Match { text, .. } => {
                at_most("bytes of a text match", limits::MAX_QUERY_BYTES, text.len())?;
            }
            Filter::Exists { .. } => {}
        }
        at_most("conditions of a filter", limits::MAX_FILTER_LEAVES, *leaves)
    }

    /// How many conditions it has, counted as its limit counts them.
    pub(crate) fn conditions(&self) -> usize {
        1 + match self {
            Filter::And(all) | Filter::Or(all) => all.iter().map(Filter::conditions).sum(),
            Filter::Not(inner) => inner.conditions(),
            Filter::In { values, .. } => values.len(),
            _ => 0,
        }
    }

    /// The filter with every value in the type of its field.
    ///
    /// # Errors
    /// [`Error::UnknownField`], or [`Error::InvalidArgument`] when a field of that type cannot be compared so.
    pub(crate) fn resolve(&self, schema: &Schema) -> Result<Filter> {
        let kind = |field: &str| schema.field(field).map(|spec| spec.kind);
        Ok(match self {
            Filter::And(all) => Filter::And(all.iter().map(|f| f.resolve(schema)).collect::<Result<_>>()?),
            Filter::Or(all) => Filter::Or(all.iter().map(|f| f.resolve(schema)).collect::<Result<_>>()?),
            Filter::Not(inner) => Filter::Not(Box::new(inner.resolve(schema)?)),
            Filter::Compare { field, compare, value } => {
                let kind = kind(field)?;
                if *compare != Compare::Equal && !matches!(kind, Kind::Number | Kind::Date) {
                    return Err(unfit(field, kind, "an ordering comparison (numbers and dates have one)"));
                }
                Filter::Compare { field: field.clone(), compare: *compare, value: coerce(field, kind, value)? }
            }
            Filter::In { field, values } => {
                let kind = kind(field)?;
                let values = values.iter().map(|value| coerce(field, kind, value)).collect::<Result<_>>()?;
                Filter::In { field: field.clone(), values }
            }
            Filter::Match { field, .. } if !matches!(kind(field)?, Kind::Text | Kind::Tags) => {
                return Err(unfit(field, kind(field)?, "a text match"));
            }
            Filter::Near { field, .. } if kind(field)? != Kind::Geo => {
                return Err(unfit(field, kind(field)?, "a distance"));
            }
            Filter::Exists { field } => kind(field).map(|_| self.clone())?,
            leaf => leaf.clone(),
        })
    }

    /// Whether an item with these fields matches. `words` splits a text as search does.
    ///
    /// This is the meaning of a filter; the text index must answer the same, which a property test checks.
    pub(crate) fn matches(&self, fields: &Fields, words: &dyn Fn(&str) -> Vec<String>) -> bool {
        match self {
            Filter::And(all) => all.iter().all(|filter| filter.matches(fields, words)),
            Filter::Or(any) => any.iter().any(|filter| filter.matches(fields, words)),
            Filter::Not(inner) => !inner.matches(fields, words),
            Filter::Exists { field } => fields.contains_key(field),
            Filter::Compare { field, compare, value } => {
                fields.get(field).is_some_and(|stored| compares(stored, *compare, value))
            }
            Filter::In { field, values } => fields
                .get(field)
                .is_some_and(|stored| values.iter().any(|value| compares(stored, Compare::Equal, value))),
            Filter::Match { field, text } => {
                fields.get(field).is_some_and(|stored| contains_words(stored, text, words))
            }
            Filter::Near { field, lat, lon, meters } => match fields.get(field) {
                Some(Value::Geo { lat: la, lon: lo }) => distance_meters((*lat, *lon), (*la, *lo)) <= *meters,
                _ => false,
            },
        }
    }
}

fn check_scalar(field: &str, value: &Scalar) -> Result<()> {
    match value {
        Scalar::Number(n) if !n.is_finite() => Err(Error::NonFinite { what: format!("filter on `{field}`"), index: 0 }),
        Scalar::Text(text) => at_most("bytes of a compared text", limits::MAX_KEYWORD_BYTES, text.len()),
        _ => Ok(()),
    }
}

fn coerce(field: &str, kind: Kind, value: &Scalar) -> Result<Scalar> {
    match (kind, value) {
        (Kind::Text | Kind::Tags, Scalar::Text(_))
        | (Kind::Number, Scalar::Number(_))
        | (Kind::Bool, Scalar::Bool(_))
        | (Kind::Date, Scalar::Date(_)) => Ok(value.clone()),
        (Kind::Date, Scalar::Number(seconds)) => Timestamp::plausible(*seconds).map(Scalar::Date).map_err(|found| {
            Error::argument(format!("filter on `{field}`"), "seconds since 1970, in the years 1 to 2999", found)
        }),
        (_, value) => Err(unfit(field, kind, &format!("a comparison with {value:?}"))),
    }
}

fn unfit(field: &str, kind: Kind, found: &str) -> Error {
    Error::argument(format!("filter on `{field}`"), format!("a condition that fits a {} field", kind.name()), found)
}

fn compares(stored: &Value, compare: Compare, value: &Scalar) -> bool {
    match (stored, value) {
        // A longer text is not indexed as a whole, so it equals nothing.
        (Value::Text(a), Scalar::Text(b)) => a.len() <= limits::MAX_KEYWORD_BYTES && a == b,
        (Value::Tags(tags), Scalar::Text(b)) => tags.iter().any(|tag| tag == b),
        (Value::Bool(a), Scalar::Bool(b)) => a == b,
        (Value::Number(a), Scalar::Number(b)) => ordered(compare, a.partial_cmp(b)),
        (Value::Date(a), Scalar::Date(b)) => ordered(compare, Some(a.cmp(b))),
        _ => false,
    }
}

fn ordered(compare: Compare, order: Option<std::cmp::Ordering>) -> bool {
    order.is_some_and(|order| match compare {
        Compare::Equal => order.is_eq(),
        Compare::Less => order.is_lt(),
        Compare::LessOrEqual => order.is_le(),
        Compare::Greater => order.is_gt(),
        Compare::GreaterOrEqual => order.is_ge(),
    })
}

fn contains_words(stored: &Value, text: &str, words: &dyn Fn(&str) -> Vec<String>) -> bool {
    let found: std::collections::HashSet<String> = match stored {
        Value::Text(text) => words(text).into_iter().collect(),
        Value::Tags(tags) => tags.iter().flat_map(|tag| words(tag)).collect(),
        _ => return false,
    };
    let wanted = words(text);
    !wanted.is_empty() && wanted.iter().all(|word| found.contains(word))
}

/// Great-circle distance in metres between two (latitude, longitude) pairs in degrees, by the haversine formula on a
/// sphere of the Earth's mean radius (IUGG: 6,371,008.8 m).
pub(crate) fn distance_meters(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let (d_lat, d_lon) = (lat_b - lat_a, (b.1 - a.1).to_radians());
    let h = (d_lat / 2.0).sin().powi(2) + lat_a.cos() * lat_b.cos() * (d_lon / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::item::Item;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_lowercase).collect()
    }

    #[test]
    fn conditions_mean_what_they_say() {
        let item = Item::new("a").text("title", "Red Shoes").number("price", 5.0).tags("tags", ["x", "y"]);
        let holds = |filter: Filter| filter.matches(&item.fields, &words);
        assert!(holds(Filter::equal("title", "Red Shoes")) && !holds(Filter::equal("title", "red shoes")));
        assert!(holds(Filter::matches_text("title", "shoes red")) && !holds(Filter::matches_text("title", "")));
        assert!(holds(Filter::at_least("price", 5.0)) && !holds(Filter::less("price", 5.0)));
        assert!(holds(Filter::equal("tags", "y")) && holds(Filter::one_of("tags", ["z", "x"])));
        assert!(!holds(Filter::exists("absent")) && holds(Filter::exists("absent").not()));
        assert!(holds(Filter::And(vec![])) && !holds(Filter::Or(vec![])));
    }

    #[test]
    fn distances_agree_with_known_ones() {
        let (paris, london) = ((48.8566, 2.3522), (51.5074, -0.1278));
        assert!((distance_meters(paris, london) - 343_556.0).abs() < 1_000.0);
        assert!(distance_meters((0.0, 179.9), (0.0, -179.9)) < 23_000.0);
    }

    #[test]
    fn deep_and_large_filters_are_refused() {
        let mut filter = Filter::exists("a");
        for _ in 0..40 {
            filter = filter.not();
        }
        assert_eq!(filter.check().expect_err("deep").name(), "LimitExceeded");
        let many = Filter::one_of("a", (0..5000).map(f64::from));
        assert_eq!(many.check().expect_err("large").name(), "LimitExceeded");
        assert_eq!(Filter::near("a", 0.0, 0.0, f64::NAN).check().expect_err("nan").name(), "InvalidArgument");
    }
}
