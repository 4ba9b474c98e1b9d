//! Evaluation plans: the parts of a protocol stand beside the other keys.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::api::evaluation::{Plan, Protocol, SplitAt};
use crate::base::time::Timestamp;

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_struct("Plan", &[], APlan)
    }
}

struct APlan;

impl<'de> Visitor<'de> for APlan {
    type Value = Plan;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Plan, A::Error> {
        let mut parts = Parts::default();
        let mut plan = Plan::deserialize(MapAccessDeserializer::new(Rest { map, parts: &mut parts }))?;
        plan.protocol = parts.into_protocol()?;
        Ok(plan)
    }
}

/// The parts of a protocol.
#[derive(Default)]
struct Parts {
    protocol: Name,
    at_fraction: Option<f64>,
    at_time: Option<Timestamp>,
    fraction: Option<f64>,
}

#[derive(Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    #[default]
    TimeSplit,
    LeaveLastOut,
    ItemCold,
    UserCold,
}

impl Parts {
    fn into_protocol<E: Error>(self) -> Result<Protocol, E> {
        let Parts { protocol, at_fraction, at_time, fraction } = self;
        let (name, takes): (_, &[&str]) = match protocol {
            Name::TimeSplit => ("time_split", &["at_fraction", "at_time"]),
            Name::LeaveLastOut => ("leave_last_out", &[]),
            Name::ItemCold => ("item_cold", &["fraction"]),
            Name::UserCold => ("user_cold", &["fraction"]),
        };
        let given =
            [("at_fraction", at_fraction.is_some()), ("at_time", at_time.is_some()), ("fraction", fraction.is_some())];
        if let Some((part, _)) = given.iter().find(|(part, given)| *given && !takes.contains(part)) {
            let expected = format!("a protocol that has `{part}`");
            return Err(E::invalid_value(Unexpected::Other(name), &expected.as_str()));
        }
        Ok(match protocol {
            Name::TimeSplit => Protocol::GlobalTimeSplit {
                at: match (at_time, at_fraction) {
                    (Some(time), None) => SplitAt::Time(time),
                    (None, fraction) => SplitAt::Fraction(fraction.unwrap_or(0.9)),
                    (Some(_), Some(_)) => {
                        return Err(E::invalid_value(Unexpected::Other("both"), &"`at_time` or `at_fraction`"));
                    }
                },
            },
            Name::LeaveLastOut => Protocol::LeaveLastOut,
            Name::ItemCold => Protocol::ItemCold { fraction: fraction.unwrap_or(0.1) },
            Name::UserCold => Protocol::UserCold { fraction: fraction.unwrap_or(0.1) },
        })
    }
}

/// The keys of a plan without the parts of its protocol, which are put aside.
struct Rest<'p, A> {
    map: A,
    parts: &'p mut Parts,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            match &*key {
                "protocol" => self.parts.protocol = self.map.next_value()?,
                "at_fraction" => self.parts.at_fraction = self.map.next_value()?,
                "at_time" => self.parts.at_time = self.map.next_value()?,
                "fraction" => self.parts.fraction = self.map.next_value()?,
                _ => return seed.deserialize(key.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
