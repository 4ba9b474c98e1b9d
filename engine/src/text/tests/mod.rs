//! Tests of the whole folder, against a catalog that is a map.

mod beside;
mod durability;
mod filters;
mod hostile;
mod scores;
mod updates;

use std::collections::BTreeMap;
use std::sync::Arc;

use tempfile::TempDir;

use super::{TextChange, TextDoc, TextStamp, TextStore, TextView};
use crate::api::item::{Fields, Item};
use crate::api::schema::Schema;
use crate::base::id::{Generation, ItemKey, Seq};

const STORE: &str = "store-1";

/// A text store with the catalog that it is derived from.
struct Fixture {
    dir: TempDir,
    store: TextStore,
    schema: Schema,
    catalog: BTreeMap<ItemKey, (Generation, Arc<Fields>)>,
    seq: Seq,
}

impl Fixture {
    fn new() -> Fixture {
        // In memory where there is such a folder: these tests commit hundreds of times, and a disk makes them wait.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.expect("temporary folder");
        let (store, stamp) = open(&dir).expect("opens");
        assert_eq!(stamp, None);
        Fixture { dir, store, schema: Schema::default(), catalog: BTreeMap::new(), seq: Seq(0) }
    }

    /// Writes items under their keys as one commit of the catalog: staged, and put into the map.
    fn put(&mut self, items: impl IntoIterator<Item = (u64, Item)>) -> Vec<TextChange> {
        self.seq = self.seq.next();
        let mut docs = Vec::new();
        for (key, item) in items {
            item.check().expect("valid item");
            self.schema.admit(&item, false).expect("fits the schema");
            let fields = Arc::new(item.fields);
            self.catalog.insert(ItemKey(key), (self.seq, fields.clone()));
            docs.push(TextDoc { key: ItemKey(key), generation: self.seq, fields });
        }
        self.store.stage(self.seq, docs.clone(), &self.schema);
        docs.into_iter().map(TextChange::Put).collect()
    }

    /// Removes items as one commit of the catalog.
    fn delete(&mut self, keys: &[u64]) -> Vec<TextChange> {
        self.seq = self.seq.next();
        self.store.stage(self.seq, Vec::new(), &self.schema);
        keys.iter().for_each(|key| assert!(self.catalog.remove(&ItemKey(*key)).is_some()));
        keys.iter().map(|key| TextChange::Delete(ItemKey(*key))).collect()
    }

    /// Moves changes from the tail into the index.
    fn commit(&self, changes: Vec<TextChange>) {
        self.store.apply(changes, &self.schema).expect("applies");
        self.store.commit(&self.stamp()).expect("commits");
    }

    fn stamp(&self) -> TextStamp {
        TextStamp { seq: self.seq, items: self.catalog.len() as u64, digest: 7, store: STORE.to_owned() }
    }

    fn view(&self) -> Arc<TextView> {
        self.store.view()
    }

    fn is_current(&self) -> impl Fn(ItemKey, Generation) -> bool + '_ {
        |key, generation| self.catalog.get(&key).is_some_and(|(current, _)| *current == generation)
    }

    /// The k best of a query over all text fields.
    fn search(&self, text: &str, k: usize) -> Vec<(u64, f32)> {
        let view = self.view();
        let Some(query) = view.query(text, &self.fields()).expect("analyses") else { return Vec::new() };
        let found = view.search(&query, None, &self.schema, k, &self.is_current()).expect("searches");
        found.into_iter().map(|(key, score)| (key.0, score)).collect()
    }

    fn keys(&self, text: &str) -> Vec<u64> {
        let mut keys: Vec<u64> = self.search(text, 1000).into_iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys
    }

    fn fields(&self) -> Vec<(u8, f32)> {
        self.schema.text_fields().map(|(name, slot)| (slot, if name == "title" { 2.0 } else { 1.0 })).collect()
    }

    /// Closes the store and opens the folder again.
    fn reopen(self) -> (Fixture, Option<TextStamp>) {
        let Fixture { dir, store, schema, catalog, seq } = self;
        drop(store);
        let (store, stamp) = open(&dir).expect("opens again");
        (Fixture { dir, store, schema, catalog, seq }, stamp)
    }

    fn quarantined(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("quarantine")).map_or(0, Iterator::count)
    }
}

fn open(dir: &TempDir) -> crate::Result<(TextStore, Option<TextStamp>)> {
    TextStore::open(&dir.path().join("text"), &dir.path().join("quarantine"), STORE)
}

/// An item with a title.
fn titled(title: &str) -> Item {
    Item::new("x").text("title", title)
}
