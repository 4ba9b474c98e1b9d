//! The tables of a closed store: how many rows each has, and a digest over their keys and values.
//!
//! What cannot be the same twice is left out:
//!
//! | table, key | why |
//! |---|---|
//! | oplog; meta: oplog_cut | how far the background had cut it when the store was closed |
//! | impressions, impressions_by_time | named by `rank_id`, which is random: only counted |
//! | meta: store_id | random |
//! | meta: calibrations, models, adapters | hold the time of the clock; their answers are compared as JSON |
//! | items: the time of the first `put`, and the checksum over it | the clock |
//! | meta: vector_checkpoints: the order of the list | which of two spaces the background saved first |
//! | meta: together: which of two generations is live; neighbours: the rows of the other one | the background may have fitted once more |

use std::collections::BTreeMap;
use std::path::Path;

use heed::types::Bytes;
use heed::{Database, EnvOpenOptions, RoTxn, WithoutTls};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::super::record::Record;
use super::super::{Result, canonical};

/// Room for the memory map: more than any of these stores has.
const MAP: usize = 1 << 33;
const SKIPPED: [&str; 5] = ["store_id", "oplog_cut", "calibrations", "models", "adapters"];
const COUNTED: [&str; 2] = ["impressions", "impressions_by_time"];
/// Bytes before the payload of a record: version and checksum.
const HEADER: usize = 5;
/// Bytes before the record of an item: generation, time of availability, checksum.
const HEAD: usize = 20;
/// The first byte of the keys of neighbours in the two generations of what is fitted.
const GENERATIONS: [u8; 2] = [2, 3];

/// The rows of a table, by key.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Records every table of a store.
///
/// # Errors
/// When the store cannot be read.
pub fn ask(store: &Path, world: &str, when: &str, record: &mut Record) -> Result<()> {
    for (name, rows) in compared(store)? {
        let digest = match name.as_str() {
            name if COUNTED.contains(&name) => Json::Null,
            // Few rows, of which each is something else.
            "meta" => rows
                .iter()
                .map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), canonical::digest(value)))
                .collect(),
            _ => digest(&rows).into(),
        };
        record.add("table", format!("{world}.{when}.{name}"), json!({ "rows": rows.len(), "digest": digest }))?;
    }
    Ok(())
}

/// Prints every row that is compared: table, key and value in hexadecimal.
///
/// # Errors
/// When the store cannot be read.
pub fn print_rows(store: &Path) -> Result<()> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (name, rows) in compared(store)? {
        rows.iter().for_each(|(key, value)| println!("{name} {} {}", hex(key), hex(value)));
    }
    Ok(())
}

/// Every table by name, without what is left out.
fn compared(store: &Path) -> Result<BTreeMap<String, Rows>> {
    let mut tables = read(store)?;
    tables.remove("oplog");
    let live = tables.get("meta").and_then(|meta| meta.get(&b"together"[..])).and_then(|row| row.get(HEADER).copied());
    for (name, rows) in &mut tables {
        let all = std::mem::take(rows).into_iter();
        *rows = match name.as_str() {
            "meta" => all.filter_map(meta).collect(),
            "items" => all.map(|(key, value)| (key, without_first_put(&value))).collect(),
            "neighbours" => all.filter_map(|row| fitted(row, live.unwrap_or_default())).collect(),
            _ => all.collect(),
        };
    }
    Ok(tables)
}

fn digest(rows: &Rows) -> String {
    let mut hasher = Sha256::new();
    for part in rows.iter().flat_map(|(key, value)| [key, value]) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn meta((key, value): (Vec<u8>, Vec<u8>)) -> Option<(Vec<u8>, Vec<u8>)> {
    let name = String::from_utf8_lossy(&key).into_owned();
    let value = match name.as_str() {
        // Without the header, whose checksum is over the generation too, and without the generation itself.
        "together" => value.get(HEADER + 1..).unwrap_or_default().to_vec(),
        "vector_checkpoints" => in_order(value.get(HEADER..).unwrap_or_default()),
        _ => value,
    };
    (!SKIPPED.contains(&name.as_str())).then_some((key, value))
}

/// An item without the number after its generation, which is when it was first put.
fn without_first_put(value: &[u8]) -> Vec<u8> {
    let (head, record) = value.split_at(HEAD.min(value.len()));
    let payload = record.get(HEADER..).unwrap_or_default();
    let (generation, rest) = payload.split_at(varint(payload));
    let rest = rest.get(varint(rest)..).unwrap_or_default();
    [head, generation, rest].concat()
}

/// The records of vector files, sorted: space, space id, file, bytes, hash, seq, dimensions and count of each.
fn in_order(payload: &[u8]) -> Vec<u8> {
    const IS_TEXT: [bool; 8] = [true, true, true, false, true, false, false, false];
    let (count, mut rest) = payload.split_at(varint(payload));
    let mut records = Vec::new();
    while !rest.is_empty() {
        let mut length = 0;
        for is_text in IS_TEXT {
            let left = rest.get(length..).unwrap_or_default();
            // No name and no hash is so long that its length takes more than a byte.
            let text = if is_text { left.first().copied().unwrap_or_default() } else { 0 };
            length += varint(left) + usize::from(text);
        }
        let (record, left) = rest.split_at(length.clamp(1, rest.len()));
        records.push(record);
        rest = left;
    }
    records.sort_unstable();
    [vec![count], records].concat().concat()
}

/// The length of the variable-length integer at the start (bincode 2): one byte, or a byte that says how many follow.
fn varint(bytes: &[u8]) -> usize {
    let length = match bytes.first() {
        Some(251) => 3,
        Some(252) => 5,
        Some(253) => 9,
        _ => 1,
    };
    length.min(bytes.len())
}

/// Rows of the live generation under one name; those of the other one are left out.
fn fitted((mut key, value): (Vec<u8>, Vec<u8>), live: u8) -> Option<(Vec<u8>, Vec<u8>)> {
    match key.first_mut() {
        Some(relation) if GENERATIONS.contains(relation) => {
            let is_live = *relation == GENERATIONS[usize::from(live.min(1))];
            *relation = GENERATIONS[0];
            is_live.then_some((key, value))
        }
        _ => Some((key, value)),
    }
}

fn read(store: &Path) -> Result<BTreeMap<String, Rows>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(MAP).max_dbs(64);
    // SAFETY: the store is closed, and only this process knows of it: the file that is mapped does not change.
    let env = unsafe { options.open(store)? };
    let txn = env.read_txn()?;
    let all = env.open_database::<Bytes, Bytes>(&txn, None)?.ok_or("the file has no tables")?;
    let names = all.iter(&txn)?.map(|row| Ok(String::from_utf8(row?.0.to_vec())?)).collect::<Result<Vec<_>>>()?;
    let tables = names.into_iter().map(|name| {
        let table = env.open_database::<Bytes, Bytes>(&txn, Some(&name))?.ok_or("a table that is listed is missing")?;
        Ok((name, rows(&txn, table)?))
    });
    let tables = tables.collect::<Result<_>>()?;
    drop(txn);
    env.prepare_for_closing().wait();
    Ok(tables)
}

fn rows(txn: &RoTxn<'_, WithoutTls>, table: Database<Bytes, Bytes>) -> Result<Rows> {
    let rows = table.iter(txn)?.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())));
    Ok(rows.collect::<heed::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_first_put_is_left_out() {
        // Head, version and checksum, then generation 7, a time of eight bytes, a time of two, and the item.
        let row = |time: u8| {
            [vec![9; HEAD], vec![1, time, 2, 3, 4], vec![7, 253], vec![time; 8], vec![251, 5, 6, 42]].concat()
        };
        assert_eq!(without_first_put(&row(1)), without_first_put(&row(2)));
        assert_eq!(without_first_put(&row(1)), [vec![9; HEAD], vec![7, 251, 5, 6, 42]].concat());
        assert!(without_first_put(&[1, 2]).len() <= 2);
    }

    #[test]
    fn the_order_of_vector_files_is_left_out() {
        let record = |name: &[u8]| {
            let text = |text: &[u8]| [&[text.len() as u8], text].concat();
            [text(name), text(b"id"), text(b""), vec![251, 1, 2], text(b"hash"), vec![3], vec![128], vec![250]].concat()
        };
        let (a, b) = (record(b"field:picture"), record(b"item"));
        assert_eq!(in_order(&[vec![2], b.clone(), a.clone()].concat()), in_order(&[vec![2], a.clone(), b].concat()));
        assert_eq!(in_order(&[vec![1], a.clone()].concat()), [vec![1], a].concat());
        assert_eq!((in_order(&[]), in_order(&[5, 200])), (vec![], vec![5, 200]));
    }

    #[test]
    fn only_the_live_generation_is_compared() {
        let row = |relation: u8| (vec![relation, 8], vec![1]);
        assert_eq!(fitted(row(2), 0), Some(row(2)));
        assert_eq!((fitted(row(3), 0), fitted(row(2), 1)), (None, None));
        assert_eq!(fitted(row(3), 1), Some(row(2)));
        assert_eq!(fitted(row(4), 1), Some(row(4)));
    }
}
