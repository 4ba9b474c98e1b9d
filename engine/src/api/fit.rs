//! What is put, in the type of the field it goes to: widening that loses nothing happens by itself.

use crate::api::item::{Item, Kind, Value};
use crate::api::schema::Schema;
use crate::base::number::Number;
use crate::base::time::Timestamp;

impl Schema {
    /// Brings the values of an item into the types of their fields, where nothing is lost by it: one text or number into a
    /// list of them, a list of numbers into a vector, a text in ISO 8601 into a date. What does not fit stays, and is refused
    /// by [`Schema::admit`]. The date field is one before it has a value. True when something was changed.
    pub(crate) fn fit(&self, item: &mut Item, date_field: Option<&str>) -> bool {
        let mut changed = false;
        for (name, value) in &mut item.fields {
            let date = (date_field == Some(name)).then_some(Kind::Date);
            let Some(kind) = self.fields.get(name).map(|spec| spec.kind).or(date) else { continue };
            if let Some(fitted) = fitted(kind, value) {
                (*value, changed) = (fitted, true);
            }
        }
        changed
    }
}

/// The value in a type of field that it is not of; None when it has no place there, or needs no change.
fn fitted(kind: Kind, value: &mut Value) -> Option<Value> {
    match (kind, value) {
        (Kind::Tags, Value::Text(text)) => Some(Value::Tags(vec![std::mem::take(text)])),
        (Kind::Numbers, Value::Number(number)) => Some(Value::Numbers(vec![Number::Float(*number)])),
        (Kind::Numbers, Value::Integer(integer)) => Some(Value::Numbers(vec![Number::Integer(*integer)])),
        (Kind::Vector, Value::Numbers(numbers)) if !numbers.is_empty() => {
            // What is infinite in single precision is refused by the check of vectors.
            Some(Value::Vector(numbers.iter().map(|number| number.as_f64() as f32).collect()))
        }
        (Kind::Date, Value::Text(text)) => Timestamp::parse(text).map(Value::Date),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted_to(kind: Kind, value: Value) -> Value {
        let mut schema = Schema::default();
        let known = crate::Config::default().field("f", kind);
        schema.apply(&known).expect("applies");
        let mut item = Item::new("a").with("f", value.clone()).with("other", value.clone());
        let changed = schema.fit(&mut item, None);
        assert_eq!(item.fields["other"], value, "a field that is not known is left alone");
        assert_eq!(changed, item.fields["f"] != value);
        item.fields.remove("f").expect("kept")
    }

    #[test]
    fn what_loses_nothing_is_widened() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(fitted_to(Kind::Tags, text("red")), Value::Tags(vec!["red".to_owned()]));
        assert_eq!(fitted_to(Kind::Numbers, Value::Integer(7)), Value::Numbers(vec![Number::Integer(7)]));
        assert_eq!(fitted_to(Kind::Numbers, Value::Number(0.5)), Value::Numbers(vec![Number::Float(0.5)]));
        let list = Value::Numbers(vec![Number::Integer(1), Number::Float(0.5)]);
        assert_eq!(fitted_to(Kind::Vector, list), Value::Vector(vec![1.0, 0.5]));
        let day = Value::Date(Timestamp::from_seconds(86_400.0));
        assert_eq!(fitted_to(Kind::Date, text("1970-01-02")), day);
    }

    #[test]
    fn the_date_field_takes_text_before_it_is_known() {
        let mut item = Item::new("a").text("released", "1970-01-02").text("other", "1970-01-02");
        assert!(Schema::default().fit(&mut item, Some("released")));
        assert_eq!(item.fields["released"], Value::Date(Timestamp::from_seconds(86_400.0)));
        assert_eq!(item.fields["other"], Value::Text("1970-01-02".to_owned()));
    }

    #[test]
    fn what_would_be_a_guess_is_left() {
        let text = |text: &str| Value::Text(text.to_owned());
        let left = [
            (Kind::Number, text("11")),
            (Kind::Number, Value::Bool(true)),
            (Kind::Number, Value::Numbers(vec![Number::Integer(12)])),
            (Kind::Date, text("yesterday")),
            (Kind::Date, Value::Integer(0)),
            (Kind::Bool, text("true")),
            (Kind::Text, Value::Tags(vec!["a".to_owned()])),
            (Kind::Numbers, Value::Vector(vec![1.0])),
            (Kind::Vector, Value::Numbers(vec![])),
            (Kind::Vector, Value::Integer(1)),
            (Kind::Geo, text("48.8, 2.3")),
        ];
        for (kind, value) in left {
            assert_eq!(fitted_to(kind, value.clone()), value, "{kind:?}");
        }
    }
}
