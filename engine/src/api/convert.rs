//! Values in another type of field, where that says the same: what a field that is retyped becomes.

use crate::api::item::{Kind, Value, check_vector};
use crate::base::limits::MAX_KEYWORD_BYTES;
use crate::base::number::{INTEGERS, Number};
use crate::base::time::Timestamp;

/// The value in the type; `None` when there is none that says the same.
pub(crate) fn converted(value: &Value, to: Kind) -> Option<Value> {
    if value.kind() == to {
        return Some(value.clone());
    }
    match to {
        Kind::Text => text(value).map(Value::Text),
        Kind::Number => number(value).map(of_number),
        Kind::Bool => flag(value).map(Value::Bool),
        Kind::Date => date(value).map(Value::Date),
        Kind::Tags => tags(value).filter(|tags| tags.iter().all(|tag| tag.len() <= MAX_KEYWORD_BYTES)).map(Value::Tags),
        Kind::Numbers => numbers(value).map(Value::Numbers),
        Kind::Vector => {
            let vector: Vec<f32> = numbers(value)?.into_iter().map(|number| number.as_f64() as f32).collect();
            check_vector("converted", &vector).is_ok().then_some(Value::Vector(vector))
        }
        Kind::Geo => None,
    }
}

fn of_number(number: Number) -> Value {
    match number {
        Number::Integer(integer) => Value::Integer(integer),
        Number::Float(float) => Value::Number(float),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Date(time) => Some(time.to_iso_8601()),
        Value::Tags(tags) if tags.len() == 1 => tags.first().cloned(),
        value => only(value).map(|number| number.to_string()),
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Text(text) => Number::parse(text),
        Value::Bool(flag) => Some(Number::Integer((*flag).into())),
        Value::Date(time) if time.millis() % 1000 == 0 => Some(Number::Integer((time.millis() / 1000).into())),
        Value::Date(time) => Some(Number::Float(time.seconds())),
        Value::Tags(tags) if tags.len() == 1 => Number::parse(&tags[0]),
        value => only(value),
    }
}

/// The number of a value that holds exactly one.
fn only(value: &Value) -> Option<Number> {
    let mut numbers = value.numbers();
    numbers.next().filter(|_| numbers.next().is_none())
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        value => match only(value)?.parts() {
            (0.0, 0) => Some(false),
            (1.0, 0) => Some(true),
            _ => None,
        },
    }
}

fn date(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Text(text) => Timestamp::parse(text),
        Value::Tags(tags) if tags.len() == 1 => Timestamp::parse(&tags[0]),
        value => {
            let seconds = only(value)?.as_f64();
            let known = (Timestamp::MIN.seconds()..=Timestamp::MAX.seconds()).contains(&seconds);
            known.then(|| Timestamp::from_seconds(seconds))
        }
    }
}

fn tags(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Text(text) => Some(vec![text.clone()]),
        Value::Numbers(numbers) => Some(numbers.iter().map(Number::to_string).collect()),
        value => text(value).map(|text| vec![text]),
    }
}

fn numbers(value: &Value) -> Option<Vec<Number>> {
    match value {
        Value::Vector(vector) => Some(vector.iter().map(|x| single(*x)).collect()),
        Value::Tags(tags) => tags.iter().map(|tag| Number::parse(tag)).collect(),
        Value::Numbers(numbers) => Some(numbers.clone()),
        value => number(value).map(|number| vec![number]),
    }
}

/// A component as the caller wrote it: `0.1` rather than the double of the nearest single.
fn single(component: f32) -> Number {
    let whole = component.fract() == 0.0 && INTEGERS.contains(&(component as i128));
    match whole {
        true => Number::Integer(component as i128),
        false => Number::Float(component.to_string().parse().unwrap_or_else(|_| component.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_is_converted() {
        let text = |text: &str| Value::Text(text.to_owned());
        let tags = |tags: &[&str]| Value::Tags(tags.iter().map(|tag| (*tag).to_owned()).collect());
        let list = |numbers: &[i128]| Value::Numbers(numbers.iter().map(|n| Number::Integer(*n)).collect());
        let day = Value::Date(Timestamp::from_seconds(86_400.0));
        let same = [
            (text("11"), Kind::Number, Value::Integer(11)),
            (text("1.5"), Kind::Number, Value::Number(1.5)),
            (Value::Integer(7), Kind::Text, text("7")),
            (Value::Number(0.5), Kind::Text, text("0.5")),
            (text("TRUE"), Kind::Bool, Value::Bool(true)),
            (Value::Integer(0), Kind::Bool, Value::Bool(false)),
            (text("1970-01-02"), Kind::Date, day.clone()),
            (Value::Integer(86_400), Kind::Date, day.clone()),
            (day.clone(), Kind::Number, Value::Integer(86_400)),
            (day, Kind::Text, text("1970-01-02T00:00:00.000Z")),
            (text("red"), Kind::Tags, tags(&["red"])),
            (list(&[38, 39]), Kind::Tags, tags(&["38", "39"])),
            (tags(&["38", "39"]), Kind::Numbers, list(&[38, 39])),
            (Value::Integer(38), Kind::Numbers, list(&[38])),
            (list(&[1, 2]), Kind::Vector, Value::Vector(vec![1.0, 2.0])),
            (
                Value::Vector(vec![0.1, 2.0]),
                Kind::Numbers,
                Value::Numbers(vec![Number::Float(0.1), Number::Integer(2)]),
            ),
        ];
        for (value, kind, expected) in same {
            assert_eq!(converted(&value, kind), Some(expected), "{value:?} to {kind:?}");
        }
    }

    #[test]
    fn what_would_lose_something_is_not() {
        let text = |text: &str| Value::Text(text.to_owned());
        let tags = Value::Tags(vec!["a".to_owned(), "b".to_owned()]);
        let none = [
            (text("eleven"), Kind::Number),
            (text("1e400"), Kind::Number),
            (text("soon"), Kind::Date),
            (Value::Integer(2), Kind::Bool),
            (Value::Number(1e300), Kind::Date),
            (tags.clone(), Kind::Text),
            (tags, Kind::Numbers),
            (Value::Numbers(vec![Number::Integer(1), Number::Integer(2)]), Kind::Number),
            (Value::Numbers(vec![Number::Integer(0)]), Kind::Vector),
            (text(&"x".repeat(257)), Kind::Tags),
            (text("48.8, 2.3"), Kind::Geo),
            (Value::Bool(true), Kind::Date),
        ];
        for (value, kind) in none {
            assert_eq!(converted(&value, kind), None, "{value:?} to {kind:?}");
        }
    }
}
