//! A name for an item that a person reads.

use crate::api::item::{Fields, Value};
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;

/// Characters of a title that are shown.
const SHOWN: usize = 60;

/// The title or name of an item, else its first text, else its id.
pub(super) fn title(snapshot: &Snapshot, key: Option<ItemKey>) -> Result<String> {
    let record = key.map(|key| snapshot.catalog.view().item(key)).transpose()?.flatten();
    Ok(record.map_or_else(|| "an item that is gone".to_owned(), |r| first_text(&r.item.fields).unwrap_or(r.item.id)))
}

/// The title or name among fields, else the first text.
pub(super) fn first_text(fields: &Fields) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Text(text) if !text.is_empty() => Some(text.chars().take(SHOWN).collect()),
        _ => None,
    };
    ["title", "name"]
        .iter()
        .find_map(|name| fields.get(*name).and_then(text))
        .or_else(|| fields.values().find_map(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::item::Item;

    #[test]
    fn a_title_comes_before_a_name_and_a_name_before_any_other_text() {
        let item = || Item::new("a").text("about", "Words").number("year", 1999.0).tags("genre", ["war"]);
        let first = |item: Item| first_text(&item.fields);
        assert_eq!(first(item().text("name", "Name").text("title", "Title")).unwrap(), "Title");
        assert_eq!(first(item().text("name", "Name")).unwrap(), "Name");
        assert_eq!(first(item().text("title", "")).unwrap(), "Words", "an empty title is none");
        assert_eq!(first(Item::new("a").number("title", 1.0).tags("name", ["x"])), None);
        let long = first(Item::new("a").text("title", "é".repeat(100))).unwrap();
        assert_eq!(long.chars().count(), SHOWN, "cut between letters");
    }
}
