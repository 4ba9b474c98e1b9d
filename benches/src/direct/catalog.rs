//! LMDB, called directly through heed: the same tables, and as many reads and writes as the engine needs.

use std::path::Path;

use half::f16;
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, RoTxn, RwTxn, WithoutTls};

use super::model::WIDTH;
use crate::Result;
use crate::data::{Dataset, Visit, item_id, user_id};

/// Address space of the file.
const MAP_BYTES: usize = 64 << 30;
/// Bytes in front of a record that a reader of heads looks at.
const HEAD: usize = 20;

type Table = Database<Bytes, Bytes>;
/// A pinned state.
pub type Pin<'e> = RoTxn<'e, WithoutTls>;

/// An environment with its tables.
pub struct Catalog {
    env: Env<WithoutTls>,
    meta: Table,
    ids: Table,
    items: Table,
    vectors: Table,
    fresh: Table,
    users: Table,
    events: Table,
    user_items: Table,
    masses: Table,
    popular: Table,
    oplog: Table,
}

/// An event of a history, newest first.
pub struct Past {
    pub item: u64,
    pub bought: bool,
    /// Milliseconds since the epoch.
    pub time: u64,
}

impl Catalog {
    /// Opens or creates the tables in a folder.
    pub fn open(folder: &Path) -> Result<Catalog> {
        std::fs::create_dir_all(folder)?;
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(MAP_BYTES).max_readers(64).max_dbs(11);
        // SAFETY: the folder was made by this program for this run, and nobody else opens, changes or truncates the
        // file. No unsafe flag is set.
        let env = unsafe { options.open(folder)? };
        let mut txn = env.write_txn()?;
        let mut table = |name: &str| env.create_database::<Bytes, Bytes>(&mut txn, Some(name));
        let (meta, ids, items, vectors) = (table("meta")?, table("ids")?, table("items")?, table("vectors")?);
        let (fresh, users, events) = (table("fresh")?, table("users")?, table("events")?);
        let (user_items, masses, popular) = (table("user_items")?, table("masses")?, table("popular")?);
        let oplog = table("oplog")?;
        txn.commit()?;
        Ok(Catalog { env, meta, ids, items, vectors, fresh, users, events, user_items, masses, popular, oplog })
    }

    /// Pins the last commit.
    pub fn pin(&self) -> Result<Pin<'_>> {
        let pin = self.env.read_txn()?;
        self.meta.get(&pin, b"counters")?;
        Ok(pin)
    }

    /// Writes items `rows` of the data under keys from `first` on, in one durable commit.
    pub fn put(
        &self,
        data: &Dataset,
        rows: std::ops::Range<usize>,
        first: u64,
        vectors: &[f16],
        now: u64,
    ) -> Result<()> {
        let mut txn = self.env.write_txn()?;
        let mut changed = Vec::with_capacity(rows.len() * 8);
        for (place, (row, vector)) in rows.zip(vectors.chunks_exact(WIDTH)).enumerate() {
            let key = (first + place as u64).to_be_bytes();
            let id = item_id(first as usize + place);
            if self.ids.get(&txn, id.as_bytes())?.is_none() {
                self.ids.put(&mut txn, id.as_bytes(), &key)?;
            }
            self.items.put(&mut txn, &key, &record(data, row, &id))?;
            self.fresh.put(&mut txn, &[(!now).to_be_bytes(), key].concat(), &[])?;
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.vectors.put(&mut txn, &key, &bytes)?;
            changed.extend_from_slice(&key);
        }
        self.oplog.put(&mut txn, &first.to_be_bytes(), &changed)?;
        self.count(&mut txn)?;
        Ok(txn.commit()?)
    }

    /// Writes events in one durable commit. `now` is in milliseconds since the epoch, `place` sets events of one time
    /// apart.
    pub fn log(&self, visits: &[Visit], now: u64, place: u64) -> Result<()> {
        let mut txn = self.env.write_txn()?;
        for (at, visit) in visits.iter().enumerate() {
            let user = self.user(&mut txn, visit.user)?;
            let key = self.key(&txn, &item_id(visit.item))?.ok_or("an unknown item")?;
            let time = now.saturating_sub((visit.days * 86_400_000.0) as u64);
            let event = [user, time.to_be_bytes(), (place + at as u64).to_be_bytes()].concat();
            self.events.put(&mut txn, &event, &[&key[..], &[u8::from(visit.bought)]].concat())?;
            let pair = [user, key].concat();
            let count = self.user_items.get(&txn, &pair)?.and_then(|row| row.first().copied()).unwrap_or(0);
            let row = [&[count.saturating_add(1)], &time.to_be_bytes()[..], &time.to_be_bytes()].concat();
            self.user_items.put(&mut txn, &pair, &row)?;
        }
        let mut items: Vec<usize> = visits.iter().map(|visit| visit.item).collect();
        items.sort_unstable();
        for group in items.chunk_by(|a, b| a == b) {
            self.make_popular(&mut txn, group)?;
        }
        self.count(&mut txn)?;
        Ok(txn.commit()?)
    }

    /// Moves an item in both popular lists by as many events as the group has.
    fn make_popular(&self, txn: &mut RwTxn, group: &[usize]) -> Result<()> {
        let Some(key) = group.first().map(|item| item_id(*item)).map(|id| self.key(txn, &id)).transpose()?.flatten()
        else {
            return Ok(());
        };
        let before = self.masses.get(txn, &key)?.map_or(0, number);
        let after = before + group.len() as u64;
        for window in 0..2_u8 {
            if before > 0 {
                self.popular.delete(txn, &popular(window, before, key))?;
            }
            self.items.get(txn, &key)?;
            self.popular.put(txn, &popular(window, after, key), &[])?;
        }
        Ok(self.masses.put(txn, &key, &[after.to_be_bytes(), after.to_be_bytes()].concat())?)
    }

    fn user(&self, txn: &mut RwTxn, user: usize) -> Result<[u8; 8]> {
        let (id, key) = (user_id(user), (user as u64).to_be_bytes());
        if self.users.get(txn, id.as_bytes())?.is_none() {
            self.users.put(txn, id.as_bytes(), &key)?;
        }
        Ok(key)
    }

    fn key(&self, txn: &RoTxn, id: &str) -> Result<Option<[u8; 8]>> {
        Ok(self.ids.get(txn, id.as_bytes())?.and_then(|bytes| bytes.try_into().ok()))
    }

    fn count(&self, txn: &mut RwTxn) -> Result<()> {
        Ok(self.meta.put(txn, b"counters", &[0; 40])?)
    }

    /// The newest events of a user, newest first.
    pub fn history(&self, pin: &Pin<'_>, user: &str, limit: usize) -> Result<Vec<Past>> {
        let Some(user) = self.users.get(pin, user.as_bytes())? else { return Ok(Vec::new()) };
        let rows = self.events.rev_prefix_iter(pin, user)?.take(limit);
        rows.map(|row| {
            let (key, value) = row?;
            let (item, bought) = value.split_at_checked(8).ok_or("a short event")?;
            let time = number(key.get(8..16).ok_or("a short key")?);
            Ok(Past { item: number(item), bought: bought == [1], time })
        })
        .collect()
    }

    /// Copies an item's vector, widened. False when it has none.
    pub fn vector(&self, pin: &Pin<'_>, item: u64, into: &mut [f32]) -> Result<bool> {
        let Some(bytes) = self.vectors.get(pin, &item.to_be_bytes())? else { return Ok(false) };
        let halves: Vec<f16> = bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect();
        half::slice::HalfFloatSliceExt::convert_to_f32_slice(&halves[..into.len().min(halves.len())], into);
        Ok(true)
    }

    /// The popularity of an item, as of two windows.
    pub fn masses(&self, pin: &Pin<'_>, item: u64) -> Result<(u64, u64)> {
        let bytes = self.masses.get(pin, &item.to_be_bytes())?.unwrap_or_default();
        Ok((number(bytes.get(..8).unwrap_or_default()), number(bytes.get(8..).unwrap_or_default())))
    }

    /// The head of an item's record.
    pub fn head<'p>(&self, pin: &'p Pin<'_>, item: u64) -> Result<Option<&'p [u8]>> {
        Ok(self.items.get(pin, &item.to_be_bytes())?.and_then(|record| record.get(..HEAD)))
    }

    /// An item's record, decoded.
    pub fn record(&self, pin: &Pin<'_>, item: u64) -> Result<Option<serde_json::Value>> {
        let record = self.items.get(pin, &item.to_be_bytes())?.and_then(|record| record.get(HEAD..));
        Ok(record.map(serde_json::from_slice).transpose()?)
    }

    /// Whether a user has had an item.
    pub fn has_had(&self, pin: &Pin<'_>, user: &str, item: u64) -> Result<bool> {
        let Some(key) = user.strip_prefix("user-").and_then(|digits| digits.parse::<u64>().ok()) else {
            return Ok(false);
        };
        Ok(self.user_items.get(pin, &[key.to_be_bytes(), item.to_be_bytes()].concat())?.is_some())
    }

    /// The most popular items of a window.
    pub fn popular(&self, pin: &Pin<'_>, window: u8, limit: usize) -> Result<Vec<u64>> {
        last_numbers(self.popular.prefix_iter(pin, &[window])?.take(limit))
    }

    /// The newest items.
    pub fn fresh(&self, pin: &Pin<'_>, limit: usize) -> Result<Vec<u64>> {
        last_numbers(self.fresh.iter(pin)?.take(limit))
    }
}

fn last_numbers<'t>(rows: impl Iterator<Item = heed::Result<(&'t [u8], &'t [u8])>>) -> Result<Vec<u64>> {
    rows.map(|row| {
        let (key, _) = row?;
        Ok(number(key.get(key.len().saturating_sub(8)..).unwrap_or_default()))
    })
    .collect()
}

/// A number in eight bytes, big-endian; 0 for what is not eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

fn popular(window: u8, mass: u64, key: [u8; 8]) -> Vec<u8> {
    [&[window][..], &(!mass).to_be_bytes(), &key].concat()
}

fn record(data: &Dataset, row: usize, id: &str) -> Vec<u8> {
    let row = &data.items[row];
    let tags = [&data.categories[row.category]];
    let json = serde_json::json!({ "id": id, "title": row.title, "tags": tags, "price": row.price });
    [&[0; HEAD][..], json.to_string().as_bytes()].concat()
}
