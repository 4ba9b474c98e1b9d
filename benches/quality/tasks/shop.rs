//! A gift shop: next item, re-buys, new items, anonymous users.

use std::path::Path;

use onelist::evaluation::{SplitAt, Targets};
use onelist::{Config, NewItems, Plan, Protocol, Timestamp};
use sha2::{Digest, Sha256};

use super::Setup;
use crate::Result;
use crate::data;
use crate::half::Half;

/// After a global time split: each customer's first item after the split that is new to them.
pub fn next_item(folder: &Path, half: Half) -> Result<Setup> {
    let rows = data::rows(&folder.join("retail/items.jsonl.gz"))?;
    let mut config = Config::default();
    config.date_field = Some("available".to_owned());
    // 2010-11-01 for the report; September 2010 is where the weights were chosen.
    let (from, until) = match half {
        Half::Report | Half::Rest => (1_288_569_600.0, None),
        Half::Validation => (1_283_299_200.0, Some(Timestamp::from_seconds(1_285_891_199.0))),
    };
    let mut plan = Plan::default();
    plan.protocol = Protocol::GlobalTimeSplit { at: SplitAt::Time(Timestamp::from_seconds(from)) };
    plan.until = until;
    Ok(Setup {
        config,
        items: data::items(&rows, &["title"], None, Some("first_sold")),
        events: data::events(&data::rows(&folder.join("retail/events.jsonl.gz"))?),
        plan,
    })
}

/// The same with items that the customer bought before.
pub fn rebuys(folder: &Path, half: Half) -> Result<Setup> {
    let mut setup = next_item(folder, half)?;
    setup.plan.targets = Targets::First;
    setup.plan.exclude_seen = false;
    Ok(setup)
}

/// The shop as it would be if all users were anonymous: the first item of each basket.
pub fn anonymous(folder: &Path, half: Half) -> Result<Setup> {
    let mut setup = next_item(folder, half)?;
    for event in &mut setup.events {
        event.user = event.basket.clone().unwrap_or_default();
    }
    // The lines of a basket have one time and are sorted by item number: which one is the first is up to a hash.
    setup.events.sort_by_cached_key(|event| {
        let line = format!("{} {}", event.user, event.item.as_deref().unwrap_or_default());
        (event.time, <[u8; 32]>::from(Sha256::digest(line)))
    });
    Ok(Setup { plan: first_visits(setup.plan), ..setup })
}

/// The plan that asks for the first event of each user, of those without a history too.
pub fn first_visits(mut plan: Plan) -> Plan {
    plan.targets = Targets::First;
    plan.min_history = 0;
    plan
}

/// A tenth of the items hidden: their events are the targets.
pub fn cold_items(folder: &Path, half: Half) -> Result<Setup> {
    let mut setup = next_item(folder, half)?;
    setup.plan.protocol = Protocol::ItemCold { share: 0.1 };
    setup.plan.new_items = Some(places_for_new_items());
    Ok(setup)
}

/// What places for new items cost the others: a tenth of the items have no events at all, as if they were put today.
/// The targets are among the rest.
pub fn warm_items(folder: &Path, half: Half) -> Result<Setup> {
    let mut setup = next_item(folder, half)?;
    let hidden = |item: &str| Sha256::digest(item.as_bytes())[0] < 26;
    setup.events.retain(|event| event.item.as_deref().is_some_and(|item| !hidden(item)));
    setup.plan.new_items = Some(places_for_new_items());
    setup.plan.baselines = false;
    Ok(setup)
}

/// Places for items without events, where these fit: chosen on the validation half (decision 0021). A least fit of -1
/// fills them in every list.
fn places_for_new_items() -> NewItems {
    NewItems { share: 0.3, events_below: Some(1.0), least_fit: Some(0.53), ..NewItems::default() }
}
