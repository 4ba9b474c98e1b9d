//! Rankings, one by one and several in one call.

use onelist::Request;

use super::super::requests::{self, Asked};
use super::super::{Result, given};
use super::{Asking, answer};

/// Requests of one call of `rank_many`, and how many of all there are from one to the next.
const TOGETHER: usize = 24;
const STEP: usize = 9;

/// Asks every request of the world.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let all = requests::all(asking.world);
    for Asked { name, request } in &all {
        let ranking = given::rank(&asking.db, request).map_err(|error| format!("{name}: {error}"))?;
        asking.add_ranking("rank", name, &ranking)?;
    }
    let some: Vec<&Asked> = all.iter().step_by(STEP).take(TOGETHER).collect();
    let read: onelist::Result<Vec<Request>> = some.iter().map(|asked| given::request(&asked.request)).collect();
    for (asked, ranking) in some.iter().zip(asking.db.rank_many(&read?)?) {
        asking.add("rank-many", &asked.name, answer::split(&ranking)?.0)?;
    }
    Ok(())
}
