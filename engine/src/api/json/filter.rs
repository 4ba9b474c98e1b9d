//! Filters: an object whose keys are field names, with operators below them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::filter::{Compare, Filter, Scalar};
use crate::base::number::{read_integer, write_integer};
use crate::base::time::Timestamp;

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(AllOf)
    }
}

/// The keys of one object, all of which must hold. The format bounds how deep it is nested.
struct AllOf;

impl<'de> Visitor<'de> for AllOf {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of conditions by field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filter, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "and" => all.push(Filter::And(map.next_value()?)),
                "or" => all.push(Filter::Or(map.next_value()?)),
                "not" => all.push(map.next_value::<Filter>()?.not()),
                field => map.next_value_seed(On { field, all: &mut all })?,
            }
        }
        // One condition stands for itself, so that the nesting that is counted is the nesting that was written.
        match all.pop() {
            Some(only) if all.is_empty() => Ok(only),
            Some(last) => {
                all.push(last);
                Ok(Filter::And(all))
            }
            None => Ok(Filter::And(all)),
        }
    }
}

const SCALARS: &str = "a string, a number, a boolean, {\"date\": seconds} or an object of operators (one of several values: \
                       {\"in\": [..]}; an absent field: {\"exists\": false})";

/// The conditions on one field: a value that it equals, or operators.
struct On<'f> {
    field: &'f str,
    all: &'f mut Vec<Filter>,
}

impl<'de> DeserializeSeed<'de> for On<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for On<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCALARS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.equals(AScalar.visit_str(text)?)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.equals(AScalar.visit_f64(number)?)
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<(), E> {
        self.equals(Scalar::Integer(integer.into()))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<(), E> {
        self.equals(Scalar::Integer(integer.into()))
    }

    fn visit_i128<E: Error>(self, integer: i128) -> Result<(), E> {
        self.equals(AScalar.visit_i128(integer)?)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.equals(AScalar.visit_bool(flag)?)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let before = self.all.len();
        while let Some(operator) = map.next_key::<Operator>()? {
            // A date stands for itself, and alone.
            let is_date = matches!(operator, Operator::Date);
            let condition = operator.read(self.field, &mut map)?;
            self.all.push(condition);
            if is_date && (self.all.len() > before + 1 || map.next_key::<IgnoredAny>()?.is_some()) {
                return Err(A::Error::invalid_type(Unexpected::Map, &self));
            }
        }
        if self.all.len() == before {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        Ok(())
    }
}

impl On<'_> {
    fn equals<E>(self, value: Scalar) -> Result<(), E> {
        self.all.push(Filter::equal(self.field, value));
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum Operator {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "in")]
    In,
    #[serde(rename = "match")]
    Match,
    #[serde(rename = "exists")]
    Exists,
    #[serde(rename = "near")]
    Near,
    #[serde(rename = "date")]
    Date,
}

/// What `near` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Near {
    lat: f64,
    lon: f64,
    meters: f64,
}

impl Operator {
    /// Reads what the operator takes.
    fn read<'de, A: MapAccess<'de>>(self, field: &str, map: &mut A) -> Result<Filter, A::Error> {
        let compare = match self {
            Operator::Equal => Compare::Equal,
            Operator::NotEqual => return Ok(Filter::equal(field, map.next_value::<Scalar>()?).not()),
            Operator::Less => Compare::Less,
            Operator::LessOrEqual => Compare::LessOrEqual,
            Operator::Greater => Compare::Greater,
            Operator::GreaterOrEqual => Compare::GreaterOrEqual,
            Operator::In => return Ok(Filter::one_of(field, map.next_value::<Vec<Scalar>>()?)),
            Operator::Match => return Ok(Filter::matches_text(field, map.next_value::<String>()?)),
            Operator::Exists => {
                let exists = Filter::exists(field);
                return Ok(if map.next_value()? { exists } else { exists.not() });
            }
            Operator::Near => {
                let Near { lat, lon, meters } = map.next_value()?;
                return Ok(Filter::near(field, lat, lon, meters));
            }
            Operator::Date => return Ok(Filter::equal(field, map.next_value::<Timestamp>()?)),
        };
        Ok(Filter::Compare { field: field.to_owned(), compare, value: map.next_value()? })
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AScalar)
    }
}

struct AScalar;

impl<'de> Visitor<'de> for AScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCALARS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(text.into())
    }

    /// JSON has finite numbers only; a Python object may be another one.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        if number.is_finite() {
            Ok(number.into())
        } else {
            Err(E::invalid_value(Unexpected::Float(number), &"a finite number"))
        }
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(integer.into()))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(integer.into()))
    }

    fn visit_i128<E: Error>(self, integer: i128) -> Result<Scalar, E> {
        read_integer(integer).map(Scalar::Integer)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(flag.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        let date = match map.next_key::<String>()?.as_deref() {
            Some("date") => map.next_value::<Timestamp>()?,
            _ => return Err(A::Error::invalid_type(Unexpected::Map, &self)),
        };
        match map.next_key::<IgnoredAny>()? {
            Some(_) => Err(A::Error::invalid_type(Unexpected::Map, &self)),
            None => Ok(date.into()),
        }
    }
}

/// The form that is read; nested no deeper than `Filter::check` lets it be.
impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        match self {
            Filter::And(all) => map.serialize_entry("and", all)?,
            Filter::Or(any) => map.serialize_entry("or", any)?,
            Filter::Not(inner) => map.serialize_entry("not", inner)?,
            Filter::Compare { field, compare, value } => map.serialize_entry(field, &one(sign(*compare), value))?,
            Filter::In { field, values } => map.serialize_entry(field, &one("in", values))?,
            Filter::Exists { field } => map.serialize_entry(field, &one("exists", true))?,
            Filter::Match { field, text } => map.serialize_entry(field, &one("match", text))?,
            Filter::Near { field, lat, lon, meters } => {
                let near = BTreeMap::from([("lat", lat), ("lon", lon), ("meters", meters)]);
                map.serialize_entry(field, &one("near", near))?;
            }
        }
        map.end()
    }
}

/// `{operator: value}`.
fn one<T>(operator: &'static str, value: T) -> BTreeMap<&'static str, T> {
    BTreeMap::from([(operator, value)])
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

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Scalar::Text(text) => to.serialize_str(text),
            Scalar::Number(number) => to.serialize_f64(*number),
            Scalar::Integer(integer) => write_integer(*integer, to),
            Scalar::Bool(flag) => to.serialize_bool(*flag),
            Scalar::Date(time) => to.collect_map([("date", time)]),
        }
    }
}
