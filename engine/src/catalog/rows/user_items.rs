//! What a user did with an item.

use serde::{Deserialize, Serialize};

use crate::api::config::Meaning;
use crate::api::event::Action;
use crate::base::time::Timestamp;

/// What a user did with an item, and how often it was shown to them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UserItem {
    /// Events of any kind.
    pub events: u32,
    /// Time of the first event.
    pub first: Timestamp,
    /// Time of the last event.
    pub last: Timestamp,
    /// Time of the last positive event.
    pub liked: Option<Timestamp>,
    /// Time of the last negative event.
    pub disliked: Option<Timestamp>,
    /// Time of the last purchase.
    pub bought: Option<Timestamp>,
    /// The weight of the last negative event.
    pub against: f32,
    /// Impressions since the last event of any kind.
    pub shown: u32,
    /// Time of the last impression.
    pub last_shown: Option<Timestamp>,
}

impl UserItem {
    /// Counts an event.
    pub(crate) fn add_event(&mut self, time: Timestamp, action: &Action, (meaning, weight): (Meaning, f32)) {
        self.first = if self.events == 0 { time } else { self.first.min(time) };
        self.last = if self.events == 0 { time } else { self.last.max(time) };
        self.events = self.events.saturating_add(1);
        // An event that arrives late does not undo the impressions after it.
        if self.last_shown.is_none_or(|shown| shown <= time) {
            self.shown = 0;
        }
        let later = |slot: Option<Timestamp>| Some(slot.map_or(time, |before| before.max(time)));
        match meaning {
            Meaning::Positive => self.liked = later(self.liked),
            Meaning::Negative => {
                self.against = match self.disliked {
                    Some(before) if before > time => self.against,
                    // In whatever order they arrive.
                    Some(before) if before == time => self.against.max(weight),
                    _ => weight,
                };
                self.disliked = later(self.disliked);
            }
            Meaning::Neutral => {}
        }
        if action.is_same(&Action::Buy) {
            self.bought = later(self.bought);
        }
    }

    /// The same without its events: the impressions only.
    pub(crate) fn without_events(self) -> UserItem {
        UserItem { shown: self.shown, last_shown: self.last_shown, ..UserItem::default() }
    }

    /// What two users did with an item, as if they were one.
    pub(crate) fn join(self, other: UserItem) -> UserItem {
        let (with, without) = if self.disliked >= other.disliked { (self, other) } else { (other, self) };
        let (first, last) = match (self.events, other.events) {
            (_, 0) => (self.first, self.last),
            (0, _) => (other.first, other.last),
            _ => (self.first.min(other.first), self.last.max(other.last)),
        };
        UserItem {
            events: self.events.saturating_add(other.events),
            first,
            last,
            liked: with.liked.max(without.liked),
            disliked: with.disliked,
            bought: with.bought.max(without.bought),
            against: with.against,
            shown: self.shown.saturating_add(other.shown),
            last_shown: self.last_shown.max(other.last_shown),
        }
    }

    /// Whether it says nothing: no events and no impressions.
    pub(crate) fn is_empty(&self) -> bool {
        self.events == 0 && self.shown == 0 && self.last_shown.is_none()
    }

    /// Counts an impression.
    pub(crate) fn add_impression(&mut self, time: Timestamp) {
        self.shown = self.shown.saturating_add(1);
        self.last_shown = Some(self.last_shown.map_or(time, |before| before.max(time)));
    }

    /// Whether the user interacted with the item up to `now`.
    pub(crate) fn interacted_by(&self, now: Timestamp) -> bool {
        self.events > 0 && self.first <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_halves_of_a_history_join_to_the_whole() {
        let events = [
            (3.0, Action::Buy, (Meaning::Positive, 2.0)),
            (9.0, Action::Dislike, (Meaning::Negative, 1.0)),
            (1.0, Action::Skip, (Meaning::Negative, 0.2)),
            (7.0, Action::View, (Meaning::Neutral, 1.0)),
            (8.0, Action::Click, (Meaning::Positive, 1.0)),
        ];
        let of = |take: &dyn Fn(usize) -> bool| {
            let mut pair = UserItem::default();
            for (_, (seconds, action, meaning)) in events.iter().enumerate().filter(|(n, _)| take(*n)) {
                pair.add_event(Timestamp::from_seconds(*seconds), action, *meaning);
            }
            pair
        };
        let whole = of(&|_| true);
        for mask in 0..32 {
            let (one, other) = (of(&|n| mask >> n & 1 == 1), of(&|n| mask >> n & 1 == 0));
            assert_eq!(one.join(other), whole, "{mask:b}");
            assert_eq!(other.join(one), whole, "{mask:b}");
        }
        assert!(UserItem::default().is_empty() && !whole.is_empty());
        let mut shown = UserItem::default();
        shown.add_impression(Timestamp::from_seconds(2.0));
        assert!(!shown.is_empty());
        assert_eq!((shown.join(shown).shown, shown.join(whole).events), (2, 5));
    }
}
