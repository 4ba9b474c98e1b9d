//! Co-visits: what came after what, and what was had together, in bounded lists of neighbours for each item.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::ItemKey;

use super::held::Lists;
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// A relation between two items that people made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Relation {
    /// The other item came after this one, in one person's events. Kept event by event.
    Next,
    /// Both were in one basket. Kept event by event.
    Basket,
    /// The same people had both, this one first. Fitted from time to time to the whole log: two generations, of which
    /// one is live.
    Together(bool),
}

impl Relation {
    /// The byte that names the relation in keys.
    pub(super) fn number(self) -> u8 {
        match self {
            Relation::Next => 0,
            Relation::Basket => 1,
            Relation::Together(false) => 2,
            Relation::Together(true) => 3,
        }
    }
}

/// Neighbours that a list holds before it is cut, and after.
const MOST: usize = 128;
const KEPT: usize = 96;

/// The neighbours of one item, in no order, and the sum of all weight that was ever added.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    items: Vec<u64>,
    weights: Vec<f32>,
    total: f32,
}

impl Neighbours {
    /// Adds weight to a neighbour. A list that has grown too long loses its lightest; of equal weight the newer keys go
    /// first, so that the same events leave the same list.
    pub(super) fn add(&mut self, item: ItemKey, weight: f32) {
        self.total += weight;
        // The keys lie side by side: comparing all of them is quicker than any index over so few.
        match place(&self.items, item.0) {
            Some(place) => self.weights[place] += weight,
            None => {
                self.items.push(item.0);
                self.weights.push(weight);
                if self.items.len() > MOST {
                    self.cut();
                }
            }
        }
    }

    /// A list of known weights.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (ItemKey, f32)>) -> Neighbours {
        let (items, weights): (Vec<u64>, Vec<f32>) = pairs.into_iter().map(|(key, weight)| (key.0, weight)).unzip();
        let total = weights.iter().sum();
        Neighbours { items, weights, total }
    }

    fn cut(&mut self) {
        let mut pairs: Vec<(u64, f32)> = self.items.iter().copied().zip(self.weights.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.truncate(KEPT);
        (self.items, self.weights) = pairs.into_iter().unzip();
    }

    /// The neighbours with their weights.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ItemKey, f32)> + '_ {
        self.items.iter().map(|key| ItemKey(*key)).zip(self.weights.iter().copied())
    }

    /// All weight that was ever added, that of neighbours which were cut included.
    pub(crate) fn total(&self) -> f32 {
        self.total
    }
}

/// Where a key stands, looked for many at a time: the comparisons of a stretch become a few vector instructions.
fn place(keys: &[u64], key: u64) -> Option<usize> {
    const STRETCH: usize = 16;
    let (stretches, rest) = keys.as_chunks::<STRETCH>();
    let is_in = |stretch: &[u64; STRETCH]| stretch.iter().fold(false, |found, other| found | (*other == key));
    let (from, within) = match stretches.iter().position(is_in) {
        Some(number) => (number * STRETCH, keys.get(number * STRETCH..)?),
        None => (keys.len() - rest.len(), rest),
    };
    within.iter().position(|other| *other == key).map(|place| from + place)
}

impl CatalogWrite<'_> {
    /// Writes the neighbours of an item as they were fitted.
    pub(crate) fn set_neighbours(&mut self, relation: Relation, item: ItemKey, row: Neighbours) -> Result<()> {
        self.settle_neighbours(Lists::from_iter([((relation, item), row)]))
    }

    /// Removes every list of a relation.
    pub(crate) fn clear_neighbours(&mut self, relation: Relation) -> Result<()> {
        self.held.inspect(|held| held.clear(relation));
        let (first, last) = (keys::neighbours(relation, ItemKey(0)), keys::neighbours(relation, ItemKey(u64::MAX)));
        self.tables.neighbours.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(())
    }
}

impl View<'_> {
    /// The neighbours of an item in one relation; none for an item without any.
    pub(crate) fn neighbours(&self, relation: Relation, item: ItemKey) -> Result<Neighbours> {
        if let Some(held) = self.held.and_then(|held| held.get(relation, item)) {
            return Ok(held);
        }
        let key = keys::neighbours(relation, item);
        let Some(bytes) = self.tables.neighbours.get(self.txn, &key).map_err(storage)? else {
            return Ok(Neighbours::default());
        };
        let found: Neighbours = codec::decode("neighbours", bytes)?;
        if found.items.len() != found.weights.len() || found.weights.iter().any(|weight| !weight.is_finite()) {
            return Err(Error::damaged("neighbours", "a list that does not fit together"));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        for count in [0, 1, 15, 16, 17, 40] {
            let keys: Vec<u64> = (0..count).map(|key| key * 7).collect();
            for key in 0..300 {
                assert_eq!(place(&keys, key), keys.iter().position(|other| *other == key), "{count} {key}");
            }
        }
    }

    #[test]
    fn a_full_list_keeps_the_heaviest() {
        let mut list = Neighbours::default();
        for key in 0..MOST as u64 {
            list.add(ItemKey(key), 1.0 + key as f32);
        }
        list.add(ItemKey(9_999), 20.5);
        assert_eq!(list.items.len(), KEPT);
        let lightest = list.weights.iter().copied().fold(f32::INFINITY, f32::min);
        assert!(lightest > 30.0, "{lightest}");
        assert!(list.iter().all(|(key, _)| key != ItemKey(9_999)));
        assert!(list.total() > 128.0 * 64.0);
    }
}
