//! The text of a query, and the fields that it is searched for in.

use crate::api::request::Request;
use crate::base::limits;
use crate::store::snapshot::Snapshot;

/// The query's text, when it has anything but white space.
pub(super) fn query_text<'r>(request: &'r Request, warnings: &mut Vec<String>) -> Option<&'r str> {
    let text = request.query.as_deref().filter(|text| !text.trim().is_empty())?;
    if text.len() > limits::MAX_QUERY_BYTES {
        warnings.push(format!("the query was cut to its first {} bytes", limits::MAX_QUERY_BYTES));
        return Some(&text[..text.floor_char_boundary(limits::MAX_QUERY_BYTES)]);
    }
    Some(text)
}

/// The text fields that take part in search, with their boosts.
pub(super) fn search_fields(snapshot: &Snapshot) -> Vec<(u8, f32)> {
    let config = &snapshot.stores.config;
    let fields = snapshot.schema.text_fields().map(|(name, slot)| (slot, config.boost_of(name)));
    fields.filter(|(_, boost)| *boost > 0.0).collect()
}
