//! Records of users.

use serde_json::json;

use super::Engine;
use crate::api::user::User;
use crate::base::error::Result;
use crate::base::limits::{self, at_most};
use crate::ingest::{prepare_user_ids, prepare_users};

impl Engine {
    /// Stores what is known about users: new ids are added, the attributes of known ones replaced as a whole. One call is
    /// one atomic batch, durable on return. Of several records with one id, the last one counts.
    ///
    /// A text attribute is a segment: events of the user that are logged from now on count in it without naming it, and
    /// requests of the user read what is popular there. An attribute keeps the type of its first value.
    ///
    /// ```no_run
    /// use onelist::{User, Value};
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// db.put_users(vec![User::new("u7").text("country", "SE").with("age", Value::Number(37.0))])?;
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// Any error of kind [`crate::ErrorKind::Input`]; then nothing of the batch is written.
    pub fn put_users(&self, users: Vec<User>) -> Result<()> {
        let users = prepare_users(users)?;
        if let Some(()) = self.elsewhere("put_users", json!({"users": users}))? {
            return Ok(());
        }
        self.core.access()?.writer()?.put_users(users)
    }

    /// Reads records of users by id, in the order of `ids`; `None` for users without one.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let country = db.get_users(&["u7"])?[0].as_ref().and_then(|user| user.attributes.get("country").cloned());
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidId`]; [`crate::Error::LimitExceeded`].
    pub fn get_users<T: AsRef<str>>(&self, ids: &[T]) -> Result<Vec<Option<User>>> {
        at_most("ids in one get", limits::MAX_BATCH, ids.len())?;
        let ids = prepare_user_ids(ids)?;
        let catalog = self.core.access()?.stores.catalog.read()?;
        let view = catalog.view();
        let read = |id: String| {
            let record = view.user_key(&id)?.map(|user| view.user_record(user)).transpose()?.flatten();
            Ok(record.map(|attributes| User { id, attributes }))
        };
        ids.into_iter().map(read).collect()
    }

    /// Removes records of users, in one atomic batch. Their events stay ([`Engine::forget`] removes both), with the segments
    /// that they were logged in. Returns how many records there were.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// assert_eq!(db.delete_users(&["nobody"])?, 0);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::InvalidId`]; [`crate::Error::LimitExceeded`].
    pub fn delete_users<T: AsRef<str>>(&self, ids: &[T]) -> Result<usize> {
        let ids = prepare_user_ids(ids)?;
        if let Some(deleted) = self.elsewhere("delete_users", json!({"ids": ids}))? {
            return Ok(deleted);
        }
        self.core.access()?.writer()?.delete_users(ids)
    }
}
