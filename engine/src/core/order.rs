//! What changes the store: done here by the process that writes, or sent to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Access, Core, PATIENCE, Part};
use crate::base::error::{Error, Result};
use crate::share::{Outcome, decode, encode, hand_on_impressions};

/// How often it is looked again meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// Something that changes the store: the process that writes does it, whoever asks.
pub(crate) trait Order: Serialize + DeserializeOwned {
    /// Its name on the way to another process.
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned;

    /// Does it, in the process that writes.
    fn execute(self, core: &Core, access: &Access) -> Result<Self::Answer>;

    /// Whether doing it twice is the same as once.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// It is about to leave this process.
    fn leaves(&mut self) {}

    /// It may have been done already.
    fn again(&mut self) {}
}

/// Asks that everything that was logged be applied.
#[derive(Serialize, Deserialize)]
pub(crate) struct Drain;

impl Order for Drain {
    const NAME: &'static str = "drain";
    type Answer = ();

    fn execute(self, _: &Core, access: &Access) -> Result<()> {
        access.writer()?.drain()
    }
}

impl Core {
    /// [`Core::access`], after every event and impression that waits has been applied.
    pub(crate) fn drained(&self) -> Result<Arc<Access>> {
        if !matches!(self.access()?.part, Part::Reads) {
            self.order(Drain)?;
        }
        self.access()
    }

    /// Has something done that changes the store: here when this process writes, else by the process that does. What is durable
    /// then is seen by the next call of any process.
    ///
    /// # Errors
    /// What doing it answers; [`Error::ReadOnly`]; [`Error::Unanswered`] when the other process hangs, or died over something
    /// that must not be done twice.
    pub(crate) fn order<O: Order>(&self, mut order: O) -> Result<O::Answer> {
        // When a process that writes was last known to live: an order may take long, and its process may end over it.
        let (start, mut lived) = (Instant::now(), Instant::now());
        loop {
            let access = self.access()?;
            let link = match &access.part {
                Part::Follows(link) => link.clone(),
                Part::Reads => return Err(Error::ReadOnly { path: self.path.clone() }),
                Part::Writes(_) => return order.execute(self, &access),
            };
            let unanswered = || Error::Unanswered {
                what: O::NAME.replace('_', " "),
                pid: link.writer(),
                seconds: start.elapsed().as_secs(),
            };
            // An impression is kept before every event that answers it.
            hand_on_impressions(&access.stores, &link);
            drop(access);
            order.leaves();
            match link.call(O::NAME, &encode(&order)?) {
                Outcome::Answer(answer) => return decode(&answer),
                Outcome::NotSent => {}
                Outcome::Refused(Error::Closed) => lived = Instant::now(),
                Outcome::Refused(error) => return Err(error),
                Outcome::Lost if order.is_repeatable() => {
                    lived = Instant::now();
                    order.again();
                }
                Outcome::Lost | Outcome::Silent => return Err(unanswered()),
            }
            if lived.elapsed() >= PATIENCE {
                return Err(unanswered());
            }
            self.take_over(&self.state.load_full())?;
            std::thread::sleep(LOOK);
        }
    }
}
