//! Keys, built and read here only. Numbers are big-endian, so that byte order is number order.

use std::ops::Bound;

use sha2::{Digest, Sha256};

use crate::base::id::{ItemKey, Seq, UserKey};
use crate::base::time::Timestamp;

use super::key_parts::{Relation, SidPrefix, SpaceNumber};
use super::popularity::Window;

/// LMDB limits keys to 511 bytes; longer ids are stored under their hash.
const LONGEST_PLAIN_ID: usize = 480;

/// An external id: a zero byte and the id, or a one and its SHA-256.
pub(crate) fn external(id: &str) -> Vec<u8> {
    if id.len() <= LONGEST_PLAIN_ID {
        return [&[0], id.as_bytes()].concat();
    }
    [&[1][..], &Sha256::digest(id.as_bytes())[..]].concat()
}

/// An item.
pub(crate) fn item(key: ItemKey) -> [u8; 8] {
    key.0.to_be_bytes()
}

/// A commit.
pub(crate) fn seq(seq: Seq) -> [u8; 8] {
    seq.0.to_be_bytes()
}

/// The vector of an item in a space.
pub(crate) fn vector(space: SpaceNumber, key: ItemKey) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&space.0.to_be_bytes());
    bytes[2..].copy_from_slice(&key.0.to_be_bytes());
    bytes
}

/// The semantic id of an item in a space.
pub(crate) fn sid(space: SpaceNumber, key: ItemKey) -> [u8; 11] {
    let mut bytes = [0; 11];
    bytes[..2].copy_from_slice(&space.0.to_be_bytes());
    bytes[3..].copy_from_slice(&key.0.to_be_bytes());
    bytes
}

/// The start of the keys of one kind in a space: 0 for the semantic ids of items, else the length of the prefixes.
pub(crate) fn sid_kind(space: SpaceNumber, kind: u8) -> [u8; 3] {
    let [high, low] = space.0.to_be_bytes();
    [high, low, kind]
}

/// The start of the keys of all items with a prefix: space, length of the prefix, its codes.
pub(crate) fn sid_prefix(space: SpaceNumber, prefix: SidPrefix) -> Vec<u8> {
    let mut bytes = space.0.to_be_bytes().to_vec();
    match prefix {
        SidPrefix::One(code) => bytes.extend([1, code]),
        SidPrefix::Two(first, second) => bytes.extend([2, first, second]),
    }
    bytes
}

/// An item with a prefix.
pub(crate) fn sid_posting(space: SpaceNumber, prefix: SidPrefix, key: ItemKey) -> Vec<u8> {
    let mut bytes = sid_prefix(space, prefix);
    bytes.extend_from_slice(&key.0.to_be_bytes());
    bytes
}

/// The key of an event.
pub(crate) type EventKey = [u8; 29];

/// The kinds of rows in the `people` table. The rows of a user are adjacent whatever their kind, so that an event
/// touches one page.
const EVENT: u8 = 0;
const USER_ITEM: u8 = 1;
const SEGMENTS: u8 = 2;
const REMOVED: u8 = 3;
const RECORD: u8 = 4;

/// An event: user, time, commit, position in the commit. Events of equal time keep the order of logging.
pub(crate) fn event(user: UserKey, time: Timestamp, seq: Seq, position: u32) -> EventKey {
    let mut bytes = [0; 29];
    bytes[..8].copy_from_slice(&user.0.to_be_bytes());
    bytes[8] = EVENT;
    bytes[9..17].copy_from_slice(&sortable_time(time).to_be_bytes());
    bytes[17..25].copy_from_slice(&seq.0.to_be_bytes());
    bytes[25..].copy_from_slice(&position.to_be_bytes());
    bytes
}

/// What a user did with an item.
pub(crate) fn user_item(user: UserKey, item: ItemKey) -> [u8; 17] {
    pair(user, USER_ITEM, item)
}

/// What a user did with an item, by events that retention has removed.
pub(crate) fn removed(user: UserKey, item: ItemKey) -> [u8; 17] {
    pair(user, REMOVED, item)
}

fn pair(user: UserKey, kind: u8, item: ItemKey) -> [u8; 17] {
    let mut bytes = [0; 17];
    bytes[..8].copy_from_slice(&user.0.to_be_bytes());
    bytes[8] = kind;
    bytes[9..].copy_from_slice(&item.0.to_be_bytes());
    bytes
}

/// The segments of a user.
pub(crate) fn user_segments(user: UserKey) -> [u8; 9] {
    let mut bytes = [0; 9];
    bytes[..8].copy_from_slice(&user.0.to_be_bytes());
    bytes[8] = SEGMENTS;
    bytes
}

/// The attributes of a user.
pub(crate) fn user_record(user: UserKey) -> [u8; 9] {
    let mut bytes = [0; 9];
    bytes[..8].copy_from_slice(&user.0.to_be_bytes());
    bytes[8] = RECORD;
    bytes
}

/// Whether this is a [`user_record`] key.
pub(crate) fn is_user_record(key: &[u8]) -> bool {
    key.len() == 9 && key.get(8) == Some(&RECORD)
}

/// The items of a segment.
pub(crate) fn segment(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// The neighbours of an item in one relation.
pub(crate) fn neighbours(relation: Relation, item: ItemKey) -> [u8; 9] {
    let mut bytes = [0; 9];
    bytes[0] = relation.number();
    bytes[1..].copy_from_slice(&item.0.to_be_bytes());
    bytes
}

/// An impression in order of time.
pub(crate) fn impression_time(time: Timestamp, rank_id: &str) -> Vec<u8> {
    [&sortable_time(time).to_be_bytes(), rank_id.as_bytes()].concat()
}

/// The rank id in an [`impression_time`] key.
pub(crate) fn impression_id(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.get(8..)?).ok()
}

/// An item in a popular list: falling popularity.
pub(crate) fn popular(window: Window, mass: f64, item: ItemKey) -> [u8; 17] {
    let mut bytes = [0; 17];
    bytes[0] = window.number();
    bytes[1..9].copy_from_slice(&(!sortable_f64(mass)).to_be_bytes());
    bytes[9..].copy_from_slice(&item.0.to_be_bytes());
    bytes
}

/// An item in the fresh list: falling time of availability.
pub(crate) fn fresh(time: Timestamp, item: ItemKey) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(!sortable_time(time)).to_be_bytes());
    bytes[8..].copy_from_slice(&item.0.to_be_bytes());
    bytes
}

/// The keys from `first` to `last`, both included.
pub(crate) fn between<'k>(first: &'k [u8], last: &'k [u8]) -> (Bound<&'k [u8]>, Bound<&'k [u8]>) {
    (Bound::Included(first), Bound::Included(last))
}

/// The keys from `first` on.
pub(crate) fn from(first: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(first), Bound::Unbounded)
}

/// The item key at the end of a [`popular`], [`fresh`], [`user_item`], [`vector`] or [`sid_posting`] key.
pub(crate) fn last_item(key: &[u8]) -> Option<ItemKey> {
    let tail = key.len().checked_sub(8)?;
    Some(ItemKey(u64::from_be_bytes(key.get(tail..)?.try_into().ok()?)))
}

/// The user in an [`event`] key; `None` for other kinds of rows.
pub(crate) fn event_user(key: &[u8]) -> Option<UserKey> {
    let user = u64::from_be_bytes(key.get(..8)?.try_into().ok()?);
    (key.get(8) == Some(&EVENT)).then_some(UserKey(user))
}

/// Whether this is a [`user_segments`] key.
pub(crate) fn is_user_segments(key: &[u8]) -> bool {
    key.len() == 9 && key.get(8) == Some(&SEGMENTS)
}

/// User and item in a [`user_item`] key; `None` for other kinds of rows.
pub(crate) fn user_item_parts(key: &[u8]) -> Option<(UserKey, ItemKey)> {
    pair_parts(key, USER_ITEM)
}

/// User and item in a [`removed`] key; `None` for other kinds of rows.
pub(crate) fn removed_parts(key: &[u8]) -> Option<(UserKey, ItemKey)> {
    pair_parts(key, REMOVED)
}

/// The first and the last key of what is stored of a user, of any kind.
pub(crate) fn of_user(user: UserKey) -> ([u8; 9], [u8; 25]) {
    let (mut first, mut last) = ([0; 9], [u8::MAX; 25]);
    first[..8].copy_from_slice(&user.0.to_be_bytes());
    last[..8].copy_from_slice(&user.0.to_be_bytes());
    (first, last)
}

/// The same key of the table of people for another user.
pub(crate) fn with_user(key: &[u8], user: UserKey) -> Vec<u8> {
    [&user.0.to_be_bytes(), key.get(8..).unwrap_or_default()].concat()
}

/// The user of any key in the table of people.
pub(crate) fn user_of(key: &[u8]) -> Option<UserKey> {
    Some(UserKey(u64::from_be_bytes(key.get(..8)?.try_into().ok()?)))
}

fn pair_parts(key: &[u8], kind: u8) -> Option<(UserKey, ItemKey)> {
    let user = u64::from_be_bytes(key.get(..8)?.try_into().ok()?);
    (key.get(8) == Some(&kind)).then_some((UserKey(user), last_item(key)?))
}

/// The time in an [`event`] key.
pub(crate) fn event_time(key: &[u8]) -> Option<Timestamp> {
    unsortable_time(key.get(9..17)?)
}

/// Commit and position in an [`event`] key.
pub(crate) fn event_order(key: &[u8]) -> Option<(Seq, u32)> {
    let seq = u64::from_be_bytes(key.get(17..25)?.try_into().ok()?);
    Some((Seq(seq), u32::from_be_bytes(key.get(25..29)?.try_into().ok()?)))
}

/// The time in a [`fresh`] key.
pub(crate) fn fresh_time(key: &[u8]) -> Option<Timestamp> {
    let inverted = u64::from_be_bytes(key.get(..8)?.try_into().ok()?);
    unsortable_time(&(!inverted).to_be_bytes())
}

/// The log mass in a [`popular`] key.
pub(crate) fn popular_mass(key: &[u8]) -> Option<f64> {
    let inverted = u64::from_be_bytes(key.get(1..9)?.try_into().ok()?);
    let sortable = !inverted;
    let bits = if sortable >> 63 == 1 { sortable & !(1 << 63) } else { !sortable };
    Some(f64::from_bits(bits))
}

fn sortable_time(time: Timestamp) -> u64 {
    (time.millis() as u64) ^ (1 << 63)
}

fn unsortable_time(bytes: &[u8]) -> Option<Timestamp> {
    let sortable = u64::from_be_bytes(bytes.try_into().ok()?);
    Some(Timestamp::from_millis((sortable ^ (1 << 63)) as i64))
}

/// The usual order-preserving map of IEEE 754 doubles to integers.
fn sortable_f64(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_of_any_length_fit_and_differ() {
        let long = "x".repeat(512);
        assert!(external(&long).len() <= 511);
        assert_ne!(external(&long), external(&"x".repeat(511)));
        assert_ne!(external("a"), external("a\0"));
    }

    #[test]
    fn every_row_of_a_user_lies_between_its_bounds() {
        let ((first, last), user) = (of_user(UserKey(7)), UserKey(7));
        let rows = [
            event(user, Timestamp::MIN, Seq(0), 0).to_vec(),
            event(user, Timestamp::MAX, Seq(u64::MAX), u32::MAX).to_vec(),
            user_item(user, ItemKey(u64::MAX)).to_vec(),
            user_segments(user).to_vec(),
            removed(user, ItemKey(u64::MAX)).to_vec(),
        ];
        for row in rows {
            assert!(row.as_slice() >= first.as_slice() && row.as_slice() <= last.as_slice());
            let other = with_user(&row, UserKey(8));
            assert!(other.as_slice() > last.as_slice() && user_of(&other) == Some(UserKey(8)));
            assert_eq!(with_user(&other, user), row);
        }
    }

    proptest! {
        #[test]
        fn byte_order_is_number_order(a in -1e12f64..1e12, b in -1e12f64..1e12) {
            let key = |mass| popular(Window::Week, mass, ItemKey(1));
            prop_assert_eq!(a.total_cmp(&b), key(b).cmp(&key(a)));
            prop_assert_eq!(popular_mass(&key(a)), Some(a));
        }

        #[test]
        fn times_round_trip(a: i64, b: i64) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(event_time(&event(UserKey(1), a, Seq(2), 3)), Some(a));
            prop_assert_eq!(fresh_time(&fresh(a, ItemKey(9))), Some(a));
            prop_assert_eq!(a.cmp(&b), fresh(b, ItemKey(1)).cmp(&fresh(a, ItemKey(1))));
        }
    }
}
