//! Applies a change of the stored log, with all that follows of it, in one transaction.

use std::collections::BTreeSet;

use crate::api::config::Config;
use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};

use super::log_edit::LogEdit;
use super::rebuild_signals::SignalRebuild;
use super::rows::entries::Entry;
use super::rows::key_parts::EventMatch;
use super::rows::keys;
use super::rows::lmdb_error::storage;
use super::rows::segments::UserSegments;
use super::rows::signals::ItemCounts;
use super::rows::{codec, user_items::UserItem};
use super::write::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Applies a change. `rebuild` has the signals of what is left; when it is no longer current, the transaction recounts.
    pub(crate) fn apply_edit(&mut self, config: &Config, edit: &LogEdit, rebuild: &SignalRebuild) -> Result<()> {
        let is_current = self.is_current(rebuild)?;
        let before = self.segments_before(edit)?;
        self.edit_rows(edit)?;
        if is_current {
            self.adopt(rebuild)?;
            self.adopt_pairs(rebuild, &edit.pairs)?;
        } else {
            while self.apply_journal(config, usize::MAX)? {}
            self.rebuild_signals(config)?;
        }
        self.withdraw_answers(edit)?;
        self.sweep(edit)?;
        self.recount_segments(edit, before)?;
        self.drop_empty_users(edit)?;
        self.count_removed(edit.deleted())
    }

    /// Deletes and moves rows of people, and nothing that is counted from them.
    fn edit_rows(&mut self, edit: &LogEdit) -> Result<()> {
        for key in &edit.events {
            self.tables.people.delete(&mut self.txn, key).map_err(storage)?;
        }
        for (user, item) in &edit.removed {
            self.tables.people.delete(&mut self.txn, &keys::removed(*user, *item)).map_err(storage)?;
        }
        let Some((from, into)) = edit.merged else { return Ok(()) };
        for (key, value) in self.rows_of(from)? {
            self.tables.people.delete(&mut self.txn, &key).map_err(storage)?;
            if let Some((_, item)) = keys::removed_parts(&key) {
                self.join_removed(into, item, codec::decode("user and item", &value)?)?;
            } else if let Some((_, item)) = keys::user_item_parts(&key) {
                let moved: UserItem = codec::decode("user and item", &value)?;
                let joined = self.view().user_item(into, item)?.unwrap_or_default().join(moved);
                self.put_pair(into, item, &joined)?;
            } else if keys::is_user_record(&key) && self.view().user_record(into)?.is_none() {
                self.tables.people.put(&mut self.txn, &keys::user_record(into), &value).map_err(storage)?;
            } else if keys::event_user(&key).is_some() {
                self.tables.people.put(&mut self.txn, &edit.renamed(&key), &value).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// All rows of a user.
    pub(super) fn rows_of(&self, user: UserKey) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let (first, last) = keys::of_user(user);
        let rows = self.tables.people.range(&self.txn, &keys::between(&first, &last)).map_err(storage)?;
        rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(storage)).collect()
    }

    /// Takes the choices back whose only event is gone.
    fn withdraw_answers(&mut self, edit: &LogEdit) -> Result<()> {
        for (rank_id, item) in &edit.answers {
            let Some(mut stored) = self.view().impression(rank_id)? else { continue };
            let slate = &stored.impression.slate;
            let is_it = |place: &u32| slate.get(*place as usize) == Some(item);
            let Some(at) = stored.chosen.iter().position(is_it) else { continue };
            stored.chosen.remove(at);
            self.put_impression(&stored)?;
            let mut signals = self.view().counts(*item)?.unwrap_or_default();
            signals.chosen = (signals.chosen - 1.0).max(0.0);
            self.put_signals(*item, &signals)?;
        }
        Ok(())
    }

    /// Writes the counts of an item; counts of nothing are deleted. The popular lists are those of `masses`, which stay.
    pub(super) fn put_signals(&mut self, item: ItemKey, signals: &ItemCounts) -> Result<()> {
        self.touch(item);
        let key = keys::item(item);
        match *signals == ItemCounts::default() {
            true => self.tables.signals.delete(&mut self.txn, &key).map(drop).map_err(storage),
            false => self.tables.signals.put(&mut self.txn, &key, &signals.encode()?).map_err(storage),
        }
    }

    /// Deletes rows that say nothing any more, so that the store is the one that it would be without the events.
    fn sweep(&mut self, edit: &LogEdit) -> Result<()> {
        for (user, item) in &edit.pairs {
            let pair = self.view().user_item(*user, *item)?.unwrap_or_default();
            self.put_pair(*user, *item, &pair)?;
        }
        let items: BTreeSet<ItemKey> = edit.pairs.iter().map(|(_, item)| *item).collect();
        for item in items {
            if let Some(signals) = self.view().counts(item)? {
                self.put_signals(item, &signals)?;
            }
        }
        Ok(())
    }

    /// The segments of the users that change.
    fn segments_before(&self, edit: &LogEdit) -> Result<Vec<(UserKey, UserSegments)>> {
        let view = self.view();
        edit.users.iter().map(|user| Ok((*user, view.user_segments(*user)?))).collect()
    }

    /// Notes the segments of what is left in the order of logging, and then what retention had left.
    fn recount_segments(&mut self, edit: &LogEdit, before: Vec<(UserKey, UserSegments)>) -> Result<()> {
        let gone = edit.segments.iter().map(|(_, name, value, time)| (name.clone(), value.clone(), *time)).collect();
        for (user, before) in before {
            if before.is_empty() {
                continue;
            }
            let user = edit.merged.map_or(user, |(_, into)| into);
            let mut events = Vec::new();
            let matched = EventMatch { user: Some(user), ..EventMatch::default() };
            self.view().each_matching(
                &matched,
                || Ok(()),
                |key| {
                    events.push(key);
                    true
                },
            )?;
            events.sort_unstable_by_key(|key| keys::event_order(key));
            let mut left = UserSegments::default();
            for key in events {
                if let Some((_, event)) = self.view().event(&key)? {
                    left.note(&event.segments, event.counted());
                }
            }
            // What the other of two users had is in the row by now.
            if edit.merged.is_some() {
                left.keep_from(self.view().user_segments(user)?, &gone);
            }
            left.keep_from(before, &gone);
            self.put_segments(user, &left)?;
        }
        Ok(())
    }

    pub(super) fn put_segments(&mut self, user: UserKey, segments: &UserSegments) -> Result<()> {
        let key = keys::user_segments(user);
        match segments.is_empty() {
            true => self.tables.people.delete(&mut self.txn, &key).map(drop).map_err(storage),
            false => self.tables.people.put(&mut self.txn, &key, &codec::encode(segments)?).map_err(storage),
        }
    }

    /// Forgets the ids of users of whom nothing is left. One that the journal names is not new when it is applied, so it stays.
    fn drop_empty_users(&mut self, edit: &LogEdit) -> Result<()> {
        let mut empty = BTreeSet::new();
        for user in &edit.users {
            if self.rows_of(*user)?.is_empty() {
                empty.insert(*user);
            }
        }
        self.drop_users(&empty)
    }

    /// Forgets the ids of users, but for those that the journal names.
    pub(super) fn drop_users(&mut self, users: &BTreeSet<UserKey>) -> Result<()> {
        if users.is_empty() {
            return Ok(());
        }
        let mut named = BTreeSet::new();
        for row in self.view().journal(self.applied())? {
            named.extend(row?.1.into_iter().filter_map(|entry| match entry {
                Entry::Event(logged) => Some(logged.event.user),
                Entry::Impression(_) => None,
            }));
        }
        for (_, id) in self.view().user_ids(users.iter().copied())? {
            if !named.contains(&id) {
                self.tables.users.delete(&mut self.txn, &keys::external(&id)).map_err(storage)?;
                self.counters.users = self.counters.users.saturating_sub(1);
            }
        }
        Ok(())
    }
}
