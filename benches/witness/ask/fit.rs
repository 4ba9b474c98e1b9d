//! A vector space fitted to the catalog. Its tables are not compared: the id of a fit is random, and old rows go by and by.

use super::super::requests::{CELLS, in_cell, merge};
use super::super::{Result, given};
use super::Asking;

/// Fits the space, and asks in it.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let fitted = asking.db.fit_space()?;
    asking.db.flush()?;
    asking.add("fit", "fitted", fitted.into())?;
    let stats = super::catalog::stats(asking)?;
    asking.add("fit", "stats", stats)?;
    for (nth, cell) in CELLS.iter().enumerate() {
        for turn in 0..5 {
            let mut request = in_cell(asking.world, cell, nth + 13 * turn);
            merge(
                &mut request,
                &serde_json::json!({ "explain": turn == 0, "diversity": if turn == 1 { 0.4 } else { 0.0 } }),
            );
            let ranking = given::rank(&asking.db, &request.into())?;
            asking.add_ranking("fit-rank", &format!("{cell}.{turn}"), &ranking)?;
        }
    }
    Ok(())
}
