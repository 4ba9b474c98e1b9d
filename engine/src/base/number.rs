//! Numbers, whole ones exactly.

use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The whole numbers that are kept exactly: those of `i64` and `u64`.
pub(crate) const INTEGERS: RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;

/// What errors call a whole number that no type holds.
pub(crate) const LARGER: &str = "a larger integer";

/// A number of a list: a whole one exactly, any other to the nearest double.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Number {
    /// A whole number from -2^63 to 2^64 - 1.
    Integer(i128),
    /// A finite number.
    Float(f64),
}

impl Number {
    /// The nearest double, and what it lacks: 0 for most numbers. The pairs order as the numbers do, because rounding
    /// never changes the order of two numbers.
    pub(crate) fn parts(self) -> (f64, i64) {
        match self {
            Number::Float(float) => (positive_zero(float), 0),
            Number::Integer(integer) => {
                let nearest = integer as f64;
                // Exact: the nearest double of a whole number is one as well, and not far from it.
                (positive_zero(nearest), i64::try_from(integer.saturating_sub(nearest as i128)).unwrap_or(0))
            }
        }
    }

    /// How two numbers compare, exactly. None for NaN.
    pub(crate) fn compare(self, other: Number) -> Option<Ordering> {
        let ((a, a_lacks), (b, b_lacks)) = (self.parts(), other.parts());
        Some(a.partial_cmp(&b)?.then(a_lacks.cmp(&b_lacks)))
    }

    /// The nearest double.
    pub(crate) fn as_f64(self) -> f64 {
        self.parts().0
    }

    /// The number that a text spells; None for any other text.
    pub(crate) fn parse(text: &str) -> Option<Number> {
        let text = text.trim();
        match text.parse::<i128>() {
            Ok(integer) if INTEGERS.contains(&integer) => Some(Number::Integer(integer)),
            Ok(_) => None,
            // Rust reads `inf` and `nan` as well.
            Err(_) => text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Number::Float),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(integer) => integer.fmt(f),
            Number::Float(float) => float.fmt(f),
        }
    }
}

/// -0.0 as 0.0: they are one number.
pub(crate) fn positive_zero(number: f64) -> f64 {
    number + 0.0
}

/// Writes a whole number as the smallest type that holds it.
pub(crate) fn write_integer<S: Serializer>(integer: i128, to: S) -> Result<S::Ok, S::Error> {
    match (i64::try_from(integer), u64::try_from(integer)) {
        (Ok(signed), _) => to.serialize_i64(signed),
        (_, Ok(unsigned)) => to.serialize_u64(unsigned),
        _ => to.serialize_i128(integer),
    }
}

/// Refuses a whole number that is not kept exactly.
pub(crate) fn read_integer<E: Error>(integer: i128) -> Result<i128, E> {
    if INTEGERS.contains(&integer) {
        return Ok(integer);
    }
    let found = match integer {
        i128::MIN | i128::MAX => LARGER.to_owned(),
        integer => integer.to_string(),
    };
    let expected = "a whole number from -2^63 to 2^64 - 1 (a larger one fits as a float or a text)";
    Err(E::invalid_value(Unexpected::Other(&found), &expected))
}

/// A plain number where people read it (JSON), tagged in records.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (to.is_human_readable(), *self) {
            (false, _) => Number::serialize(self, to),
            (true, Number::Integer(integer)) => write_integer(integer, to),
            (true, Number::Float(float)) => to.serialize_f64(float),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() { from.deserialize_any(ANumber) } else { Number::deserialize(from) }
    }
}

struct ANumber;

impl Visitor<'_> for ANumber {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Number, E> {
        Ok(Number::Float(float))
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Number, E> {
        Ok(Number::Integer(integer.into()))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Number, E> {
        Ok(Number::Integer(integer.into()))
    }

    fn visit_i128<E: Error>(self, integer: i128) -> Result<Number, E> {
        read_integer(integer).map(Number::Integer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Number::{Float, Integer};
    use super::*;

    #[test]
    fn whole_numbers_compare_exactly_with_each_other_and_with_others() {
        let big = 1i128 << 53;
        assert!(Integer(big).compare(Integer(big + 1)) == Some(Ordering::Less));
        assert!(Integer(big + 1).compare(Float(big as f64)) == Some(Ordering::Greater));
        assert!(Float((1u64 << 63) as f64).compare(Integer((1 << 63) - 1)) == Some(Ordering::Greater));
        assert!(Integer(u64::MAX.into()).compare(Float(18_446_744_073_709_551_616.0)) == Some(Ordering::Less));
        assert!(Integer(0).compare(Float(-0.0)) == Some(Ordering::Equal));
        assert!(Integer(i64::MIN.into()).compare(Float(i64::MIN as f64)) == Some(Ordering::Equal));
        assert!(Float(f64::NAN).compare(Integer(1)).is_none());
    }

    proptest! {
        #[test]
        fn pairs_order_as_the_numbers_do(a in INTEGERS, near in -3000i128..3000, float in any::<f64>()) {
            let b = (a + near).clamp(*INTEGERS.start(), *INTEGERS.end());
            prop_assert_eq!(Integer(a).compare(Integer(b)), Some(a.cmp(&b)));
            let (nearest, lacks) = Integer(a).parts();
            prop_assert_eq!(nearest as i128 + i128::from(lacks), a);
            prop_assert!(lacks.abs() <= 1024);
            if !float.is_nan() {
                // By its whole part and what is left of it.
                let expected = a.cmp(&(float.floor() as i128)).then(if float.fract() == 0.0 { Ordering::Equal } else { Ordering::Less });
                prop_assert_eq!(Integer(a).compare(Float(float)), Some(expected));
            }
        }
    }

    #[test]
    fn texts_that_spell_numbers_are_read() {
        assert_eq!(Number::parse(" 18446744073709551615 "), Some(Integer(u64::MAX.into())));
        assert_eq!((Number::parse("-7"), Number::parse("1e3")), (Some(Integer(-7)), Some(Float(1000.0))));
        for wrong in ["", "x", "nan", "inf", "18446744073709551616", "1,5", "0x10"] {
            assert_eq!(Number::parse(wrong), None, "{wrong}");
        }
    }
}
