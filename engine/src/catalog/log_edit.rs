//! A change of the stored log: which events go, or belong to another user from now on, and what follows of it.

use std::collections::{BTreeSet, HashSet};

use crate::api::config::{Config, Meaning};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::base::time::Timestamp;

use super::read::view::View;
use super::rows::codec;
use super::rows::events::StoredEvent;
use super::rows::key_parts::EventMatch;
use super::rows::keys::{self, EventKey};
use super::rows::lmdb_error::storage;
use super::rows::user_items::UserItem;

/// A change of the stored log, planned from a pinned commit.
#[derive(Debug, Default)]
pub(crate) struct LogEdit {
    /// Events that go.
    pub(super) events: HashSet<EventKey>,
    /// What is kept of removed events of a user on an item, and goes.
    pub(super) removed: BTreeSet<(UserKey, ItemKey)>,
    /// All of the first user becomes the second's.
    pub(super) merged: Option<(UserKey, UserKey)>,
    /// Whose rows change: users with items, and users.
    pub(super) pairs: BTreeSet<(UserKey, ItemKey)>,
    pub(super) users: BTreeSet<UserKey>,
    /// Segments that events which go had named, with their times.
    pub(super) segments: BTreeSet<(UserKey, String, String, Timestamp)>,
    /// Rankings whose answer goes, with the item that was chosen.
    pub(super) answers: BTreeSet<(String, ItemKey)>,
}

impl LogEdit {
    /// Deletes the events that match, at most `most` of them, and what is kept of removed ones that surely match. `step`
    /// is asked at every row.
    pub(crate) fn delete(
        view: View<'_>,
        matched: &EventMatch,
        config: &Config,
        most: usize,
        mut step: impl FnMut() -> Result<()>,
    ) -> Result<LogEdit> {
        let mut edit = LogEdit::default();
        view.each_matching(matched, &mut step, |key| {
            edit.events.insert(key);
            edit.events.len() < most
        })?;
        edit.note_removed(view, matched, &mut step)?;
        edit.note_events(view, config)?;
        edit.keep_answers(view, config, step)?;
        Ok(edit)
    }

    /// Gives everything of one user to another. An event that both have counts once.
    pub(crate) fn merge(view: View<'_>, from: UserKey, into: UserKey) -> Result<LogEdit> {
        let mut edit = LogEdit { merged: Some((from, into)), ..LogEdit::default() };
        let (first, last) = keys::of_user(from);
        for row in view.tables.people.range(view.txn, &keys::between(&first, &last)).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            if let (Ok(event), Some(_)) = (EventKey::try_from(key), keys::event_user(key)) {
                let stored = StoredEvent::read((key, value))?;
                edit.pairs.extend(stored.item.map(|item| (into, item)));
                if view.has_event(into, &stored)? {
                    edit.events.insert(event);
                }
            } else if let Some((_, item)) = keys::user_item_parts(key).or_else(|| keys::removed_parts(key)) {
                edit.pairs.insert((into, item));
            }
        }
        edit.users.extend([from, into]);
        Ok(edit)
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.removed.is_empty() && self.merged.is_none()
    }

    /// How many events go.
    pub(crate) fn deleted(&self) -> u64 {
        self.events.len() as u64
    }

    /// Where a row of people stands in a copy from which signals are counted.
    pub(crate) fn place(&self, key: &[u8]) -> Option<Vec<u8>> {
        let stays = match (keys::event_user(key), keys::removed_parts(key)) {
            (Some(_), _) => EventKey::try_from(key).is_ok_and(|key| !self.events.contains(&key)),
            (None, Some(pair)) => !self.removed.contains(&pair),
            (None, None) => false,
        };
        stays.then(|| self.renamed(key))
    }

    /// The key of a row after the change.
    pub(super) fn renamed(&self, key: &[u8]) -> Vec<u8> {
        match self.merged {
            Some((from, into)) if keys::user_of(key) == Some(from) => keys::with_user(key, into),
            _ => key.to_vec(),
        }
    }

    /// What is kept of removed events says when the first and the last of them was, and not of which action or import each
    /// was: it goes when all of it lies in the range, and neither action nor import is a condition.
    fn note_removed(
        &mut self,
        view: View<'_>,
        matched: &EventMatch,
        step: &mut impl FnMut() -> Result<()>,
    ) -> Result<()> {
        if matched.action.is_some() || matched.batch.is_some() {
            return Ok(());
        }
        let (first, last) = match matched.user {
            Some(user) => (keys::removed(user, ItemKey(0)), keys::removed(user, ItemKey(u64::MAX))),
            None => (keys::removed(UserKey(0), ItemKey(0)), keys::removed(UserKey(u64::MAX), ItemKey(u64::MAX))),
        };
        for row in view.tables.people.range(view.txn, &keys::between(&first, &last)).map_err(storage)? {
            step()?;
            let (key, value) = row.map_err(storage)?;
            let Some((user, item)) = keys::removed_parts(key) else { continue };
            let kept: UserItem = codec::decode("user and item", value)?;
            let covered = matched.since.is_none_or(|since| kept.first >= since)
                && matched.until.is_none_or(|until| kept.last < until);
            if covered && matched.item.is_none_or(|wanted| wanted == item) {
                self.removed.insert((user, item));
                self.pairs.insert((user, item));
                self.users.insert(user);
            }
        }
        Ok(())
    }

    fn note_events(&mut self, view: View<'_>, config: &Config) -> Result<()> {
        for key in &self.events {
            let found = view.event(key)?;
            let (user, event) = found.ok_or_else(|| Error::internal("an event left a pinned commit"))?;
            self.users.insert(user);
            let counted = event.counted();
            let named = event.segments.iter().map(|(name, value)| (user, name.clone(), value.clone(), counted));
            self.segments.extend(named);
            self.pairs.extend(event.item.map(|item| (user, item)));
            self.answers.extend(answer(&event, config));
        }
        Ok(())
    }

    /// Keeps the answers that another event gives too.
    fn keep_answers(&mut self, view: View<'_>, config: &Config, mut step: impl FnMut() -> Result<()>) -> Result<()> {
        if self.answers.is_empty() {
            return Ok(());
        }
        for row in view.events_by_user()? {
            step()?;
            let (user, event) = row?;
            let goes = || self.events.contains(&keys::event(user, event.time, event.order.0, event.order.1));
            if let Some(answer) = answer(&event, config).filter(|answer| self.answers.contains(answer))
                && !goes()
            {
                self.answers.remove(&answer);
            }
        }
        Ok(())
    }
}

/// The ranking that an event answers, and with which item.
fn answer(event: &StoredEvent, config: &Config) -> Option<(String, ItemKey)> {
    let (meaning, _) = event.action.meaning(event.value, config);
    let (rank_id, item) = event.rank_id.clone().zip(event.item)?;
    (meaning == Meaning::Positive).then_some((rank_id, item))
}
