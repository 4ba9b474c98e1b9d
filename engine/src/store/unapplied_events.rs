//! The overlay of the journal: events that are logged and not applied yet, in memory, by user and by item.
//!
//! The writer stages a commit here before it is visible. A reader pins its transaction first and this tail after, so the
//! tail covers what the transaction's tables lack: the commits after `applied` up to `seq`. What is applied leaves only
//! when no reader is pinned to a transaction that lacks it.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::api::config::{Config, Meaning};
use crate::base::id::{ItemKey, Seq};
use crate::base::time::Timestamp;
use crate::catalog::{CatalogRead, Entry, ItemSignals, LoggedEvent, StoredEvent};

/// Events that are not applied, or that some reader still needs.
#[derive(Default)]
pub(crate) struct EventTail {
    state: RwLock<State>,
    /// How many ask that the journal be left as it is.
    holds: AtomicUsize,
}

/// While it lives, the journal is not applied merely to keep it short.
pub(crate) struct Hold<'s>(&'s AtomicUsize);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// In the order in which they came.
type Events = VecDeque<Arc<TailEvent>>;

struct State {
    /// Oldest first.
    commits: VecDeque<Commit>,
    by_user: HashMap<String, Events>,
    by_item: HashMap<ItemKey, Events>,
    /// Events on ids that had no key when they were logged, and the ids among them that have got one since.
    unknown: HashMap<String, Events>,
    /// The last commit with an event that the caller dated, by the fingerprint of the event.
    dated: HashMap<u128, Seq>,
    adopted: HashMap<String, ItemKey>,
    /// What readers may be pinned to: events after this are kept while the token lives.
    pins: VecDeque<Arc<Seq>>,
    waiting: usize,
}

/// What one commit journaled.
struct Commit {
    seq: Seq,
    events: Vec<Arc<TailEvent>>,
    /// Events and impressions.
    entries: usize,
}

impl Default for State {
    fn default() -> State {
        State {
            commits: VecDeque::new(),
            by_user: HashMap::new(),
            by_item: HashMap::new(),
            unknown: HashMap::new(),
            dated: HashMap::new(),
            adopted: HashMap::new(),
            // There always is one to hold on to.
            pins: VecDeque::from([Arc::default()]),
            waiting: 0,
        }
    }
}

/// One event.
pub(crate) struct TailEvent {
    /// The commit, and the place in it.
    pub order: (Seq, u32),
    pub logged: LoggedEvent,
    item: Option<ItemKey>,
    meaning: Meaning,
    weight: f32,
    /// When the caller dated it.
    fingerprint: Option<u128>,
}

/// A reader's hold on the tail: the commits that its transaction has journaled and not applied.
pub(crate) struct EventPin<'s> {
    tail: &'s EventTail,
    applied: Seq,
    seq: Seq,
    _held: Arc<Seq>,
}

impl EventTail {
    /// Shows the events of commit `seq`. IMPORTANT: before the commit is visible. `key` says the key of an item's id,
    /// when it has one.
    pub(crate) fn stage(&self, seq: Seq, entries: &[Entry], config: &Config, key: impl Fn(&str) -> Option<ItemKey>) {
        let mut events = Vec::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            let Entry::Event(logged) = entry else { continue };
            let (meaning, weight) = logged.event.action.meaning(logged.event.value, config);
            let item = logged.event.item.as_deref().and_then(&key);
            let order = (seq, place as u32);
            // One that cannot be encoded would not have been journaled.
            let fingerprint = if logged.dated { logged.fingerprint().ok() } else { None };
            events.push(Arc::new(TailEvent { order, logged: logged.clone(), item, meaning, weight, fingerprint }));
        }
        self.write().stage(Commit { seq, events, entries: entries.len() });
    }

    /// Takes back the events of commit `seq`, which was staged last and failed. No reader saw them.
    pub(crate) fn unstage(&self, seq: Seq) {
        let mut state = self.write();
        while state.commits.back().is_some_and(|commit| commit.seq >= seq) {
            let Some(commit) = state.commits.pop_back() else { break };
            state.waiting = state.waiting.saturating_sub(commit.entries);
            commit.events.iter().rev().for_each(|event| state.take_back(event));
        }
    }

    /// An id has its key now: events that named it before count for it.
    pub(crate) fn adopt(&self, id: &str, key: ItemKey) {
        let mut state = self.write();
        if let Some(events) = state.unknown.remove(id) {
            state.by_item.entry(key).or_default().extend(events);
            state.adopted.insert(id.to_owned(), key);
        }
    }

    /// Whether an event with this fingerprint waits, or did, after the commit `applied`.
    pub(crate) fn holds(&self, fingerprint: u128, applied: Seq) -> bool {
        self.read().dated.get(&fingerprint).is_some_and(|seq| *seq > applied)
    }

    /// Asks that the journal be left as it is for a while. Work that needs it applied applies it all the same.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.holds.fetch_add(1, Ordering::SeqCst);
        Hold(&self.holds)
    }

    /// Whether that was asked for.
    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::SeqCst) > 0
    }

    /// Entries of the journal that are not applied yet.
    pub(crate) fn waiting(&self) -> usize {
        self.read().waiting
    }

    /// Whether a user has events that are not applied.
    pub(crate) fn knows_user(&self, id: &str) -> bool {
        self.read().by_user.contains_key(id)
    }

    /// Commits up to `applied` are in the tables that new readers see.
    pub(crate) fn settle(&self, applied: Seq) {
        let mut state = self.write();
        let before = state.pins.back().map_or(Seq(0), |pin| **pin);
        if applied == before {
            return;
        }
        let (from, to) = (state.place_after(before), state.place_after(applied));
        let done: usize = state.commits.range(from..to.max(from)).map(|commit| commit.entries).sum();
        state.waiting = state.waiting.saturating_sub(done);
        state.pins.push_back(Arc::new(applied));
        state.trim();
    }

    /// Pins the tail for a transaction. `None` when the tail has moved past it: pin a newer transaction.
    pub(crate) fn pin(&self, catalog: &CatalogRead) -> Option<EventPin<'_>> {
        let counters = catalog.counters();
        let held = self.read().pins.back().cloned().unwrap_or_default();
        let covered = *held <= counters.applied;
        covered.then_some(EventPin { tail: self, applied: counters.applied, seq: counters.seq, _held: held })
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stage(&mut self, commit: Commit) {
        for event in &commit.events {
            self.dated.extend(event.fingerprint.map(|print| (print, commit.seq)));
            self.by_user.entry(event.logged.event.user.clone()).or_default().push_back(event.clone());
            match (event.item, &event.logged.event.item) {
                (Some(key), _) => self.by_item.entry(key).or_default().push_back(event.clone()),
                (None, Some(id)) => self.unknown.entry(id.clone()).or_default().push_back(event.clone()),
                (None, None) => {}
            }
        }
        self.waiting += commit.entries;
        self.commits.push_back(commit);
    }

    /// The place of the first commit after `seq`.
    fn place_after(&self, seq: Seq) -> usize {
        self.commits.partition_point(|commit| commit.seq <= seq)
    }

    /// Drops what is applied and what no reader can ask for any more.
    fn trim(&mut self) {
        // The last pin stays for readers to come; older ones go as soon as they are not held.
        while self.pins.len() > 1 && self.pins.front().is_some_and(|pin| Arc::strong_count(pin) == 1) {
            self.pins.pop_front();
        }
        let needed_after = self.pins.front().map_or(Seq(0), |pin| **pin);
        while self.commits.front().is_some_and(|commit| commit.seq <= needed_after) {
            let Some(commit) = self.commits.pop_front() else { break };
            commit.events.iter().for_each(|event| self.forget(event));
        }
    }

    /// Removes an event that came last: it is at the back of its lists.
    fn take_back(&mut self, event: &TailEvent) {
        let is_it = |other: &Arc<TailEvent>| other.order == event.order;
        pop_back(&mut self.by_user, &event.logged.event.user, is_it);
        match (event.item, &event.logged.event.item) {
            (Some(key), _) => pop_back(&mut self.by_item, &key, is_it),
            (None, Some(id)) => {
                pop_back(&mut self.unknown, id, is_it);
                // The same commit may have put the item.
                if let Some(key) = self.adopted.get(id).copied() {
                    pop_back(&mut self.by_item, &key, is_it);
                }
            }
            (None, None) => {}
        }
    }

    /// Events leave in the order in which they came, so each is at the front of its lists.
    fn forget(&mut self, event: &TailEvent) {
        let is_it = |other: &Arc<TailEvent>| other.order == event.order;
        if let Some(print) = event.fingerprint.filter(|print| self.dated.get(print) == Some(&event.order.0)) {
            self.dated.remove(&print);
        }
        pop(&mut self.by_user, &event.logged.event.user, is_it);
        let Some(id) = &event.logged.event.item else { return };
        match event.item.or_else(|| self.adopted.get(id).copied()) {
            Some(key) => {
                pop(&mut self.by_item, &key, is_it);
                if !self.by_item.contains_key(&key) {
                    self.adopted.remove(id);
                }
            }
            None => pop(&mut self.unknown, id, is_it),
        }
    }
}

/// Takes the last of a list when it is the one, and the list when it was the only one.
fn pop_back<K, Q: Hash + Eq + ?Sized>(lists: &mut HashMap<K, Events>, key: &Q, is_it: impl Fn(&Arc<TailEvent>) -> bool)
where
    K: Hash + Eq + Borrow<Q>,
{
    let Some(list) = lists.get_mut(key) else { return };
    if list.back().is_some_and(is_it) {
        list.pop_back();
    }
    if list.is_empty() {
        lists.remove(key);
    }
}

/// Takes the first of a list when it is the one, and the list when it was the last.
fn pop<K, Q: Hash + Eq + ?Sized>(lists: &mut HashMap<K, Events>, key: &Q, is_it: impl Fn(&Arc<TailEvent>) -> bool)
where
    K: Hash + Eq + Borrow<Q>,
{
    let Some(list) = lists.get_mut(key) else { return };
    if list.front().is_some_and(is_it) {
        list.pop_front();
    }
    if list.is_empty() {
        lists.remove(key);
    }
}

impl EventPin<'_> {
    /// A user's events that the pinned tables lack, oldest first.
    pub(crate) fn of_user(&self, id: &str) -> Vec<Arc<TailEvent>> {
        let state = self.tail.read();
        let events = state.by_user.get(id).into_iter().flatten();
        events.filter(|event| self.covers(event)).cloned().collect()
    }

    /// The signals of an item with the events that the pinned tables lack.
    pub(crate) fn signals(&self, item: ItemKey, stored: Option<ItemSignals>) -> Option<ItemSignals> {
        let state = self.tail.read();
        let Some(events) = state.by_item.get(&item) else { return stored };
        let mut signals = stored;
        for event in events.iter().filter(|event| self.covers(event) && event.meaning == Meaning::Positive) {
            signals.get_or_insert_default().add_event(event.logged.counted(), event.weight);
        }
        signals
    }

    /// Items of the newest events that the pinned tables lack, at most `most`.
    pub(crate) fn newest_items(&self, most: usize) -> Vec<ItemKey> {
        let state = self.tail.read();
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for event in state.commits.iter().rev().flat_map(|commit| commit.events.iter().rev()) {
            if event.order.0 <= self.applied || found.len() == most {
                break;
            }
            found.extend(event.item.filter(|key| self.covers(event) && seen.insert(*key)));
        }
        found
    }

    fn covers(&self, event: &TailEvent) -> bool {
        event.order.0 > self.applied && event.order.0 <= self.seq
    }
}

impl TailEvent {
    /// When it happened.
    pub(crate) fn time(&self) -> Timestamp {
        self.logged.event.time.unwrap_or(self.logged.arrived)
    }

    /// The event as the tables would give it back.
    pub(crate) fn stored(&self, item: Option<ItemKey>) -> StoredEvent {
        StoredEvent::of(&self.logged, self.order, item)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::event::{Action, Event};

    fn entry(user: &str, item: &str) -> Entry {
        let mut event = Event::new(user, Action::Click).item(item);
        event.time = Some(Timestamp::from_seconds(1.0));
        Entry::Event(LoggedEvent { event, arrived: Timestamp::from_seconds(2.0), dated: true })
    }

    fn pin(tail: &EventTail, applied: u64, seq: u64) -> EventPin<'_> {
        let held = tail.read().pins.back().cloned().unwrap_or_default();
        EventPin { tail, applied: Seq(applied), seq: Seq(seq), _held: held }
    }

    #[test]
    fn a_pin_sees_what_its_transaction_lacks_and_nothing_else() {
        let (tail, config) = (EventTail::default(), Config::default());
        let key = |id: &str| (id == "known").then_some(ItemKey(7));
        tail.stage(Seq(1), &[entry("a", "known"), entry("b", "new")], &config, key);
        tail.stage(Seq(2), &[entry("a", "known")], &config, key);
        let before = pin(&tail, 0, 1);
        assert_eq!(before.of_user("a").len(), 1, "the second commit is not visible to it");
        assert_eq!(pin(&tail, 0, 2).of_user("a").len(), 2);
        tail.settle(Seq(1));
        assert_eq!((tail.waiting(), before.of_user("a").len()), (1, 1), "held for the older reader");
        drop(before);
        tail.settle(Seq(2));
        assert!(!tail.knows_user("a") && !tail.knows_user("b"), "no longer needed");
        tail.stage(Seq(3), &[entry("a", "known")], &config, key);
        assert_eq!(pin(&tail, 2, 3).newest_items(10), [ItemKey(7)]);
    }

    #[test]
    fn an_item_that_is_put_adopts_its_events() {
        let (tail, config) = (EventTail::default(), Config::default());
        tail.stage(Seq(1), &[entry("a", "new"), entry("a", "new")], &config, |_| None);
        assert!(pin(&tail, 0, 1).signals(ItemKey(3), None).is_none());
        tail.adopt("new", ItemKey(3));
        let counted = pin(&tail, 0, 1).signals(ItemKey(3), None).expect("has two");
        assert!((counted.mass(crate::catalog::Window::Ever) - 2f64.ln()).abs() < 1e-12);
        tail.settle(Seq(1));
        assert!(pin(&tail, 1, 1).signals(ItemKey(3), None).is_none());
        assert!(tail.read().adopted.is_empty() && tail.read().by_item.is_empty());
    }

    /// One step of a writer or a reader.
    #[derive(Debug, Clone)]
    enum Step {
        /// Events of users on items, in one commit.
        Log(Vec<(usize, usize)>),
        /// Applies so many commits.
        Apply(u64),
        Pin,
        Unpin(usize),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => prop::collection::vec((0usize..3, 0usize..3), 0..4).prop_map(Step::Log),
            2 => (1u64..4).prop_map(Step::Apply),
            2 => Just(Step::Pin),
            2 => (0usize..8).prop_map(Step::Unpin),
        ]
    }

    proptest! {
        #[test]
        fn every_pin_sees_the_commits_between_its_tables_and_itself(
            steps in prop::collection::vec(any_step(), 0..60)
        ) {
            let (tail, config) = (EventTail::default(), Config::default());
            let key = |id: &str| (id != "unknown").then_some(ItemKey(id.len() as u64));
            let (users, items) = (["ada", "bob", "cy"], ["a", "bb", "unknown"]);
            let (mut applied, mut logged) = (0, Vec::<Vec<(usize, usize)>>::new());
            let mut pins: Vec<(u64, u64, EventPin)> = Vec::new();
            for step in steps {
                match step {
                    Step::Log(events) => {
                        let entries: Vec<Entry> = events.iter().map(|(user, item)| entry(users[*user], items[*item])).collect();
                        logged.push(events);
                        tail.stage(Seq(logged.len() as u64), &entries, &config, key);
                    }
                    Step::Apply(commits) => {
                        applied = (applied + commits).min(logged.len() as u64);
                        tail.settle(Seq(applied));
                    }
                    Step::Pin => pins.push((applied, logged.len() as u64, pin(&tail, applied, logged.len() as u64))),
                    Step::Unpin(which) if which < pins.len() => drop(pins.remove(which)),
                    Step::Unpin(_) => {}
                }
                for (from, to, pin) in &pins {
                    let lacks = || logged[*from as usize..*to as usize].iter().flatten();
                    for (at, user) in users.iter().enumerate() {
                        let expected: Vec<&str> = lacks().filter(|(of, _)| *of == at).map(|(_, item)| items[*item]).collect();
                        let found = pin.of_user(user);
                        let found: Vec<&str> = found.iter().filter_map(|event| event.logged.event.item.as_deref()).collect();
                        prop_assert_eq!(found, expected, "{} in {}..{}", user, from, to);
                    }
                    let clicks = lacks().filter(|(_, item)| items[*item] == "bb").count();
                    let signals = pin.signals(ItemKey(2), None);
                    let mass = signals.map_or(f64::NEG_INFINITY, |signals| signals.mass(crate::catalog::Window::Ever));
                    prop_assert!((mass.exp() - clicks as f64).abs() < 1e-9, "{} {}", mass, clicks);
                }
            }
            let waiting: usize = logged[applied as usize..].iter().map(Vec::len).sum();
            prop_assert_eq!(tail.waiting(), waiting);
            pins.clear();
            tail.settle(Seq(applied));
            tail.stage(Seq(logged.len() as u64 + 1), &[], &config, key);
            tail.settle(Seq(logged.len() as u64 + 1));
            prop_assert!(users.iter().all(|user| !tail.knows_user(user)), "nothing stays once nobody reads it");
        }
    }
}
