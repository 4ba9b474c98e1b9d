//! Items whose semantic id begins as a trained model expects of what comes next.

use crate::error::Result;
use crate::id::ItemKey;
use crate::intent::Intent;
use crate::score::top_k;
use crate::snapshot::Snapshot;

/// Codes that are followed: the best.
const CODES: usize = 8;
/// Items of one code that are looked at.
const ITEMS: usize = 2_000;

/// The best items of the best codes. Within a code they are ordered by their cosine with what the request is about, which
/// is added to the code's probability.
pub(super) fn coded(snapshot: &Snapshot, intent: &Intent, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let context = &intent.context;
    let about = context.learned.first().or(context.history.as_ref()).or(context.query.as_ref());
    let (Some(about), space) = (about, snapshot.item_space()?) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (code, probability) in best_codes(&context.sid_logits) {
        let keys = snapshot.coded(code, ITEMS)?.into_iter().filter(|key| intent.admits(snapshot, *key));
        let near = snapshot.nearest_among(space, about, keys, k)?;
        found.extend(near.into_iter().map(|(key, cosine)| (key, probability + cosine)));
    }
    Ok(top_k(found, k))
}

/// The best codes with their probabilities (softmax), best first.
fn best_codes(logits: &[f32]) -> Vec<(u8, f32)> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let mut codes: Vec<(u8, f32)> =
        (0..=u8::MAX).zip(logits).map(|(code, logit)| (code, (logit - largest).exp() / sum)).collect();
    codes.sort_by(|a, b| b.1.total_cmp(&a.1));
    codes.truncate(CODES);
    codes
}

#[cfg(test)]
mod tests {
    use super::best_codes;

    #[test]
    fn the_best_codes_come_first_with_their_probabilities() {
        let mut logits = vec![0.0; 256];
        (logits[200], logits[7]) = (9.0, 8.0);
        let codes = best_codes(&logits);
        assert_eq!((codes.len(), codes[0].0, codes[1].0), (8, 200, 7));
        let sum = 9f32.exp() + 8f32.exp() + 254.0;
        assert!((codes[0].1 - 9f32.exp() / sum).abs() < 1e-6 && (codes[2].1 - 1.0 / sum).abs() < 1e-6);
        assert!(best_codes(&[]).is_empty());
    }
}
