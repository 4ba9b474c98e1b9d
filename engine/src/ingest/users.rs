//! Records of users: checks, writing, and the segments that they add to events.

use std::collections::HashMap;

use super::pending::Pending;
use crate::api::event::{Event, Segments};
use crate::api::user::{self, User};
use crate::base::error::Result;
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};

/// Checks a batch of users.
pub(crate) fn prepare_users(users: Vec<User>) -> Result<Vec<User>> {
    at_most("users in one batch", limits::MAX_BATCH, users.len())?;
    users.iter().try_for_each(User::check)?;
    Ok(users)
}

/// Checks the ids of users.
pub(crate) fn prepare_user_ids<T: AsRef<str>>(ids: &[T]) -> Result<Vec<String>> {
    at_most("ids in one batch", limits::MAX_BATCH, ids.len())?;
    ids.iter().try_for_each(|id| check_id("user", id.as_ref()))?;
    Ok(ids.iter().map(|id| id.as_ref().to_owned()).collect())
}

impl Pending<'_> {
    /// Compares the attributes of a batch with those of the store: the last thing that can refuse it.
    pub(super) fn admit_users(&self, users: &[User]) -> Result<()> {
        let mut known = self.write.view().user_attributes()?;
        users.iter().try_for_each(|user| user::admit(&mut known, user))
    }

    pub(super) fn put_users(&mut self, users: Vec<User>) -> Result<usize> {
        let before = self.write.view().user_attributes()?;
        let mut known = before.clone();
        for user in &users {
            user::admit(&mut known, user)?;
            self.count_if_new(&user.id)?;
            self.write.set_user_record(&user.id, &user.attributes)?;
        }
        if known != before {
            self.write.set_user_attributes(&known)?;
        }
        Ok(users.len())
    }

    pub(super) fn delete_users(&mut self, ids: &[String]) -> Result<usize> {
        let mut deleted = 0;
        for id in ids {
            deleted += usize::from(self.write.delete_user_record(id)?);
        }
        Ok(deleted)
    }

    /// Adds to events the segments that their users' attributes say and that the events do not name. They are part of the
    /// event from then on: it counts in the segments that the user was in when it was logged.
    pub(super) fn add_segments(&self, events: &mut [Event]) -> Result<()> {
        if self.write.view().user_attributes()?.is_empty() {
            return Ok(());
        }
        let mut known: HashMap<String, Segments> = HashMap::new();
        for event in events {
            if !known.contains_key(&event.user) {
                known.insert(event.user.clone(), self.segments_of(&event.user)?);
            }
            for (name, value) in known.get(&event.user).into_iter().flatten() {
                if event.segments.len() < limits::MAX_SEGMENTS && !event.segments.contains_key(name) {
                    event.segments.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    fn segments_of(&self, id: &str) -> Result<Segments> {
        let view = self.write.view();
        let record = view.user_key(id)?.map(|user| view.user_record(user)).transpose()?.flatten();
        Ok(record.map(|attributes| user::segments(&attributes)).unwrap_or_default())
    }
}
