//! Tests of the check on files that LMDB wrote, on their beginnings, and on damaged ones.

mod audit;
mod catalog;
mod hostile;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, FlagSetMode, RwTxn, WithoutTls};
use rand::Rng;
use rand::rngs::StdRng;

use super::check;
use audit::Audit;

type Table = Database<Bytes, Bytes>;
type Rows = BTreeMap<(usize, Vec<u8>), Vec<u8>>;

const TABLES: [&str; 3] = ["a", "b", "c"];

/// An LMDB environment whose file can be looked at between transactions: what a process that is killed leaves.
struct Lmdb {
    env: Env<WithoutTls>,
    tables: Vec<Table>,
    path: PathBuf,
}

impl Lmdb {
    fn open(dir: &Path) -> Lmdb {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(1 << 30).max_dbs(TABLES.len() as u32);
        // SAFETY: no other process knows the folder. Without a sync, only a crash of the machine damages the file.
        let env = unsafe {
            let env = options.open(dir).unwrap();
            env.set_flags(EnvFlags::NO_SYNC, FlagSetMode::Enable).unwrap();
            env
        };
        let mut txn = env.write_txn().unwrap();
        let tables = TABLES.iter().map(|name| env.create_database(&mut txn, Some(name)).unwrap()).collect();
        txn.commit().unwrap();
        Lmdb { env, tables, path: dir.join("data.mdb") }
    }

    fn commit(&self, work: impl FnOnce(&mut RwTxn<'_>, &[Table])) {
        let mut txn = self.env.write_txn().unwrap();
        work(&mut txn, &self.tables);
        txn.commit().unwrap();
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    fn rows(&self) -> Rows {
        let txn = self.env.read_txn().unwrap();
        let row = |table, row: heed::Result<(&[u8], &[u8])>| {
            let (key, value) = row.unwrap();
            ((table, key.to_vec()), value.to_vec())
        };
        let tables = self.tables.iter().enumerate();
        tables.flat_map(|(n, table)| table.iter(&txn).unwrap().map(move |one| row(n, one))).collect()
    }

    fn close(self) {
        self.env.prepare_for_closing().wait();
    }
}

/// Puts rows of one size.
fn put(txn: &mut RwTxn<'_>, table: Table, keys: std::ops::Range<u32>, size: usize) {
    let value = vec![7; size];
    keys.for_each(|key| table.put(txn, &key.to_be_bytes(), &value).unwrap());
}

fn delete(txn: &mut RwTxn<'_>, table: Table, keys: std::ops::Range<u32>) {
    keys.for_each(|key| {
        table.delete(txn, &key.to_be_bytes()).unwrap();
    });
}

/// Deletes the last one first. LMDB reuses the page that was freed last, so the last pages stay free.
fn delete_backwards(txn: &mut RwTxn<'_>, table: Table, keys: std::ops::Range<u32>) {
    keys.rev().for_each(|key| delete(txn, table, key..key + 1));
}

/// One to four changes, as a transaction may have them: puts, deletes, and both of the same rows.
fn change(rng: &mut StdRng, txn: &mut RwTxn<'_>, tables: &[Table]) {
    for _ in 0..rng.random_range(1..5) {
        let table = tables[rng.random_range(0..tables.len())];
        let (first, count) = (rng.random_range(0..2000), rng.random_range(1..600));
        let size = [8, 100, 900, 1500, 5_000, 20_000][rng.random_range(0..6)];
        // Not more than 2 MB at once.
        let keys = first..first + count.min(2_000_000 / size as u32);
        match rng.random_range(0..10) {
            0..5 => put(txn, table, keys, size),
            5..7 => delete(txn, table, keys),
            7 => table.clear(txn).unwrap(),
            8 => delete(txn, table, 0..3000),
            _ => {
                put(txn, table, keys.clone(), size);
                delete(txn, table, keys);
            }
        }
    }
}

/// A file with a free list of several levels and with long values, whose last transaction never wrote its last pages.
fn deep(dir: &Path, rows: u32) -> (Vec<u8>, Rows) {
    let lmdb = Lmdb::open(dir);
    lmdb.commit(|txn, tables| {
        put(txn, tables[0], 0..rows, 900);
        put(txn, tables[1], 0..10, 20_000);
    });
    lmdb.commit(|txn, tables| delete(txn, tables[0], rows - 100..rows));
    let small = |lmdb: &Lmdb, n| lmdb.commit(|txn, tables| put(txn, tables[2], n..n + 1, 100));
    // What is freed from here on is free for the last transaction.
    let first = lmdb.env.read_txn().unwrap();
    (0..20).for_each(|n| small(&lmdb, n));
    // What is freed from here on stays in the list.
    let second = lmdb.env.read_txn().unwrap();
    (20..200).for_each(|n| small(&lmdb, n));
    lmdb.commit(|txn, tables| delete(txn, tables[0], 100..rows - 100));
    drop(first);
    lmdb.commit(|txn, tables| {
        put(txn, tables[0], rows..rows + 900, 900);
        delete_backwards(txn, tables[0], rows..rows + 900);
    });
    drop(second);
    let found = (lmdb.file(), lmdb.rows());
    lmdb.close();
    let audit = Audit::of(&found.0);
    println!("depth {}, {} long pages, {} of {} bytes", audit.depth, audit.long, found.0.len(), audit.needed());
    assert!(audit.depth > 1 && audit.long > 0 && found.0.len() < audit.needed());
    found
}

/// Writes the file and checks it.
fn checked(path: &Path, bytes: &[u8]) -> crate::base::error::Result<()> {
    std::fs::write(path, bytes).unwrap();
    check(path)
}
