//! JSON in one form, so that equal values have equal bytes.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// The value as text, without spaces and with the keys of every object in order. Numbers stand as serde_json prints them:
/// the shortest form that reads back as the same bits.
pub fn text(value: &Json) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Json, to: &mut String) {
    match value {
        Json::Object(map) => {
            // Not left to serde_json: whether it sorts depends on a feature that any crate of the build can switch.
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            list(to, ('{', '}'), keys, |key, to| {
                to.push_str(&Json::from(key.as_str()).to_string());
                to.push(':');
                write(&map[key], to);
            });
        }
        Json::Array(values) => list(to, ('[', ']'), values, write),
        other => to.push_str(&other.to_string()),
    }
}

fn list<T>(
    to: &mut String,
    (open, close): (char, char),
    all: impl IntoIterator<Item = T>,
    one: impl Fn(T, &mut String),
) {
    to.push(open);
    for (place, value) in all.into_iter().enumerate() {
        if place > 0 {
            to.push(',');
        }
        one(value, to);
    }
    to.push(close);
}

/// The first 16 hexadecimal digits of the SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_equal_bytes() {
        let value: Json = serde_json::from_str(r#"{"b": [1.50, {"z": null, "a": "\n"}], "a": 0.1}"#).expect("is JSON");
        assert_eq!(text(&value), r#"{"a":0.1,"b":[1.5,{"a":"\n","z":null}]}"#);
        assert_eq!(text(&value), text(&json!({ "a": 0.1, "b": [1.5, { "a": "\n", "z": null }] })));
        assert_ne!(digest(b"a"), digest(b"b"));
        assert_eq!(digest(b"a").len(), 16);
    }
}
