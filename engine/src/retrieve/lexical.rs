//! BM25 over the text fields, with the filter evaluated in the index.

use super::found::Found;
use crate::base::error::Result;
use crate::understand::RequestCx;

/// The best matches of the query's words that the request admits.
pub(super) fn lexical(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let RequestCx { snapshot, understood, .. } = cx;
    let Some(query) = &understood.query else { return Ok(Vec::new()) };
    let visible = |key, generation| snapshot.is_current(key, Some(generation)) && cx.admits(key);
    Ok(vec![snapshot.text.search(query, understood.filter.as_ref(), &snapshot.schema, k, &visible)?])
}
