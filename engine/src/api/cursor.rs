//! The token of the next page: what was shown so far, and of which request.
//!
//! The token holds all of it, so the engine keeps nothing between two pages. Shown items are named by their keys, which
//! an item keeps whatever happens to it: neither events nor puts nor deletes can bring it back on a later page.
//!
//! Bytes, in URL-safe base64 (RFC 4648, without padding): `[version u8][hash of the request u64][shown keys][check u32]`,
//! numbers little-endian; the keys ascending, each as LEB128 of its distance from the one before; the check is XXH3-64 of
//! all that is before it, cut to 32 bits. The check finds damage; it is no signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::request::Request;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::limits;

const VERSION: u8 = 1;
const HASH: usize = 8;
const CHECK: usize = 4;

/// The token for the page after these items were shown.
pub(crate) fn write(request: &Request, shown: impl IntoIterator<Item = ItemKey>) -> String {
    let mut keys: Vec<u64> = shown.into_iter().map(|key| key.0).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&request.list_hash().to_le_bytes());
    let mut before = 0;
    for key in keys {
        write_number(&mut bytes, key - before);
        before = key;
    }
    bytes.extend_from_slice(&check(&bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The items that were shown before the page that the request asks for; none when it asks for the first.
///
/// # Errors
/// [`Error::InvalidArgument`] for a token that is damaged, of another version of the library or of another request;
/// [`Error::LimitExceeded`] when the page would pass [`limits::MAX_RESULTS`] items in all.
pub(crate) fn read(request: &Request) -> Result<Vec<ItemKey>> {
    let Some(token) = &request.page_token else { return Ok(Vec::new()) };
    let refused = |found: &str| {
        Error::argument("page_token", "the `next_page_token` of an earlier ranking, as it was given", found)
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused("a text that is no token"))?;
    let parts = bytes.split_last_chunk::<CHECK>().filter(|(body, sum)| body.len() > HASH && **sum == check(body));
    let (body, _) = parts.ok_or_else(|| refused("a damaged token"))?;
    let (head, keys) = body.split_at(1 + HASH);
    if head.first() != Some(&VERSION) {
        return Err(refused("a token of another version of the library"));
    }
    if head.get(1..) != Some(&request.list_hash().to_le_bytes()) {
        return Err(refused("the token of another request; repeat the request, and change only its page"));
    }
    let shown = read_keys(keys).ok_or_else(|| refused("a damaged token"))?;
    limits::at_most("hits of all pages", limits::MAX_RESULTS, shown.len().saturating_add(request.limit))?;
    Ok(shown)
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    (xxh3_64(bytes) as u32).to_le_bytes()
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// `None` for bytes that [`write`] does not make.
fn read_keys(bytes: &[u8]) -> Option<Vec<ItemKey>> {
    let mut keys = Vec::new();
    let (mut key, mut distance, mut shift) = (0u64, 0u64, 0u32);
    for byte in bytes {
        let part = u64::from(byte & 0x7f);
        if shift > 63 || (part << shift) >> shift != part {
            return None;
        }
        distance |= part << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            key = key.checked_add(distance)?;
            keys.push(ItemKey(key));
            (distance, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(keys)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::controls::Personalization;
    use crate::base::time::Timestamp;

    fn asked(request: Request, shown: &[u64]) -> Request {
        let token = write(&request, shown.iter().copied().map(ItemKey));
        request.page_token(token)
    }

    proptest! {
        #[test]
        fn what_was_shown_comes_back(mut keys in proptest::collection::vec(any::<u64>(), 0..200)) {
            let shown = read(&asked(Request::new().query("red"), &keys)).expect("reads");
            keys.sort_unstable();
            keys.dedup();
            prop_assert_eq!(shown, keys.into_iter().map(ItemKey).collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_a_token_or_an_error(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&Request::new().page_token(text));
            // With a right hash and check around them, so that the keys are reached.
            let mut token = vec![VERSION];
            token.extend_from_slice(&Request::new().list_hash().to_le_bytes());
            token.extend_from_slice(&bytes);
            token.extend_from_slice(&check(&token));
            let _ = read(&Request::new().page_token(URL_SAFE_NO_PAD.encode(token)));
        }
    }

    #[test]
    fn any_changed_letter_is_noticed() {
        let request = asked(Request::new(), &[3, 500, 70_000]);
        let token = request.page_token.clone().expect("was set");
        for place in 0..token.len() {
            let mut letters: Vec<char> = token.chars().collect();
            letters[place] = if letters[place] == 'A' { 'B' } else { 'A' };
            let damaged = Request::new().page_token(letters.into_iter().collect::<String>());
            assert_eq!(read(&damaged).expect_err("noticed").name(), "InvalidArgument", "letter {place}");
        }
        for cut in 0..token.len() {
            assert!(read(&Request::new().page_token(&token[..cut])).is_err());
        }
    }

    #[test]
    fn a_token_belongs_to_one_request() {
        let shown = [1, 2];
        let token = asked(Request::new().user("u").diversity(0.5), &shown).page_token.expect("was set");
        let same = || Request::new().user("u").diversity(0.5).page_token(token.clone());
        for same in [same(), same().limit(3).explain(), same().history(["a"]), same().now(Timestamp::MAX)] {
            assert_eq!(read(&same).expect("reads").len(), 2);
        }
        let others = [
            Request::new(),
            Request::new().user("u"),
            Request::new().user("u").diversity(0.6),
            same().among(Vec::<String>::new()),
            same().like(["a", "b"]),
            same().unlike(["a"]),
            same().vector("v", vec![1.0]),
            same().cap("brand", 2),
            same().personalization(Personalization::Low),
            same().scenario("s"),
            same().adapter("a"),
        ];
        for other in others {
            let refused = read(&other.page_token(token.clone())).expect_err("another request");
            assert!(refused.to_string().contains("another request"), "{refused}");
        }
    }

    #[test]
    fn pages_are_bounded_and_tokens_fit() {
        let far: Vec<u64> = (0..limits::MAX_RESULTS as u64 - 10).map(|n| n << 49).collect();
        let request = asked(Request::new(), &far);
        assert!(request.page_token.as_ref().is_some_and(|token| token.len() <= limits::MAX_PAGE_TOKEN_BYTES));
        assert_eq!(read(&request).expect("reads").len(), far.len());
        assert_eq!(read(&request.limit(11)).expect_err("too many").name(), "LimitExceeded");
    }
}
