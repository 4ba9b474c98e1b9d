//! What a contribution means, in words.

use super::title::title;
use crate::api::feature::Feature;
use crate::api::ranking::TermPart;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::understand::RequestCx;

/// The reason behind a feature, or behind an adjustment of the reranking. Most features have one in their declaration; the
/// others name what they compare with.
pub(super) fn reason(cx: RequestCx, (key, terms): (ItemKey, &[TermPart]), feature: &str) -> Result<String> {
    let understood = cx.understood;
    let Some(known) = Feature::of(feature) else { return Ok(adjustment(feature)) };
    Ok(match known {
        Feature::Bm25 => {
            let terms: Vec<&str> = terms.iter().map(|part| part.term.as_str()).collect();
            format!("matches {}", terms.join(" "))
        }
        Feature::CosQuery if understood.query.is_none() => "like what was given".to_owned(),
        Feature::CosLast => {
            format!("like the last one, {}", title(cx.snapshot, understood.events.last().map(|e| e.key))?)
        }
        Feature::CosNearest => format!("like {}", title(cx.snapshot, nearest_event(cx, key)?)?),
        Feature::Vector if !understood.has_query => "fits the history by its vector fields".to_owned(),
        _ => known.declaration().reason.to_owned(),
    })
}

/// What `unlike` and the rules add.
fn adjustment(name: &str) -> String {
    match name {
        "unlike" => "like what is not wanted".to_owned(),
        "boost" => "boosted".to_owned(),
        "bury" => "buried".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The event whose item is nearest to a candidate.
fn nearest_event(cx: RequestCx, key: ItemKey) -> Result<Option<ItemKey>> {
    let Some(vector) = cx.snapshot.vector(cx.snapshot.item_space(), key)? else { return Ok(None) };
    let cosine = |event: &[f32]| event.iter().zip(&vector).map(|(a, b)| a * b).sum::<f32>();
    let best = cx.understood.events.iter().max_by(|a, b| cosine(&a.vector).total_cmp(&cosine(&b.vector)));
    Ok(best.map(|event| event.key))
}
