//! Several processes on one directory: waiting for what another one has written.

use std::time::{Duration, Instant};

use super::Engine;
use crate::api::token::Token;
use crate::base::error::Result;

/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(1);

impl Engine {
    /// The last commit that calls of this handle see now: what is written before, by any process, is in it.
    pub fn token(&self) -> Result<Token> {
        Ok(Token(self.core.access()?.stores.catalog.read()?.counters().seq.0))
    }

    /// Waits until calls of this handle see a commit, which any process may have made. False when `limit` has passed.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// let token = db.put(vec![onelist::Item::new("sku-9").text("title", "Red shoes")])?;
    /// // In another process, which has the number from this one:
    /// assert!(db.wait_for(token, Duration::from_secs(1))?);
    /// # Ok::<(), onelist::Error>(())
    /// ```
    pub fn wait_for(&self, token: Token, limit: Duration) -> Result<bool> {
        let until = Instant::now().checked_add(limit);
        while self.token()? < token {
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
        Ok(true)
    }
}
