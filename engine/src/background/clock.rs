//! Putting right what was counted while the clock was ahead.

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::store::Stores;

/// How far ahead of the clock counts may be before they are put right: clocks of several machines differ a little.
const SLACK_MILLIS: i64 = 3_600_000;

/// Whether there may be such events.
pub(crate) fn is_due(stores: &Stores) -> Result<bool> {
    let until = Timestamp::from_millis(Timestamp::now().millis() + SLACK_MILLIS);
    Ok(!stores.catalog.is_scratch() && latest_counted(stores)?.is_none_or(|latest| latest > until))
}

/// Lets events that count as of the future count as of the present, and rebuilds the signals; when there are such events.
/// Writers wait meanwhile. Returns how many there were.
pub(crate) fn repair(stores: &Stores) -> Result<usize> {
    let now = Timestamp::now();
    if !is_due(stores)? {
        return Ok(0);
    }
    let mut write = stores.catalog.write()?;
    while write.apply_journal(&stores.config, usize::MAX)? {}
    let found = write.bound_arrivals(now)?;
    if found > 0 {
        write.rebuild_signals(&stores.config)?;
    } else {
        // Of a store of an older version: noted, so that its events are not read again.
        let latest = write.view().latest_counted()?.unwrap_or(now);
        write.set_latest_counted(Some(latest.min(now)))?;
    }
    let applied = write.applied();
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    Ok(found)
}

/// The latest time that an event counts by; none for a store of an older version, which did not note it.
fn latest_counted(stores: &Stores) -> Result<Option<Timestamp>> {
    let catalog = stores.catalog.read()?;
    match catalog.counters().events {
        0 => Ok(Some(Timestamp::MIN)),
        _ => catalog.view().latest_counted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::event::{Action, Event};
    use crate::api::request::Request;
    use crate::catalog::{Entry, LoggedEvent};
    use crate::testing::Shop;

    const YEAR: i64 = 365 * 86_400_000;

    fn later(millis: i64) -> Timestamp {
        Timestamp::from_millis(Timestamp::now().millis() + millis)
    }

    /// Logs a purchase of a thing, by a clock that is so much ahead.
    fn buy(shop: &Shop, user: &str, n: usize, ahead: i64, dated: bool) {
        let mut event = Event::new(user, Action::Buy).item(format!("thing-{n}")).segment("country", "UK");
        event.time = Some(later(ahead));
        let mut write = shop.stores.catalog.write().unwrap();
        let logged = LoggedEvent { event, arrived: later(ahead), dated };
        write.append_and_apply(&shop.stores.config, &[Entry::Event(logged)]).unwrap();
        write.commit().unwrap();
    }

    fn first(shop: &Shop) -> String {
        shop.ids(&Request::new().unlogged().limit(1)).remove(0)
    }

    fn is_right(shop: &Shop) -> bool {
        let mut write = shop.stores.catalog.write().unwrap();
        let (before, after) = write.verify_signals(&shop.stores.config).unwrap();
        before == after
    }

    fn shop() -> Shop {
        let shop = Shop::of(12);
        for user in 0..40 {
            buy(&shop, &format!("user-{user}"), user % 2, -3_600_000, true);
        }
        shop
    }

    #[test]
    fn an_event_of_a_clock_that_was_ahead_leads_no_list_once_the_clock_is_right() {
        for (ahead, dated) in [(YEAR, false), (YEAR, true), (30 * YEAR, false), (5 * 86_400_000, false)] {
            let shop = shop();
            buy(&shop, "early", 7, ahead, dated);
            assert!(!shop.core.flush().is_err_and(|error| panic!("{error}")));
            assert_ne!(first(&shop), "thing-7", "{ahead}: flush has put it right");
            assert!(shop.stores.catalog.read().unwrap().view().latest_counted().unwrap() <= Some(Timestamp::now()));
            assert_eq!(repair(&shop.stores).unwrap(), 0, "once");
            assert!(is_right(&shop), "and it stays what the log gives");
            for _ in 0..3 {
                buy(&shop, "late", 9, 0, false);
            }
            assert!(is_right(&shop));
        }
    }

    #[test]
    fn a_store_of_an_older_version_is_put_right() {
        for ahead in [YEAR, -YEAR] {
            let shop = shop();
            buy(&shop, "early", 7, ahead, true);
            let mut write = shop.stores.catalog.write().unwrap();
            write.set_latest_counted(None).unwrap();
            write.commit_bookkeeping().unwrap();
            assert_eq!(repair(&shop.stores).unwrap(), usize::from(ahead > 0));
            assert_ne!(first(&shop), "thing-7");
            assert!(is_right(&shop) && shop.stores.catalog.read().unwrap().view().latest_counted().unwrap().is_some());
        }
    }

    #[test]
    fn a_clock_that_is_a_little_ahead_changes_nothing() {
        let shop = shop();
        buy(&shop, "early", 7, SLACK_MILLIS / 2, false);
        assert_eq!(repair(&shop.stores).unwrap(), 0);
        assert!(is_right(&shop));
        assert_eq!(repair(&Shop::of(0).stores).unwrap(), 0, "an empty store");
    }

    #[test]
    fn a_segment_that_was_named_by_a_clock_ahead_is_the_user_s_now() {
        let shop = shop();
        buy(&shop, "early", 7, YEAR, false);
        repair(&shop.stores).unwrap();
        let catalog = shop.stores.catalog.read().unwrap();
        let user = catalog.view().user_key("early").unwrap().unwrap();
        assert_eq!(catalog.view().user_segments(user).unwrap().by(Timestamp::now()).count(), 1);
    }
}
