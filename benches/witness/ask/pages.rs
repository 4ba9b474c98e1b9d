//! Pages by token: what comes after what was shown, while events and items come in.

use serde_json::{Value as Json, json};

use super::super::requests::{CELLS, in_cell, merge};
use super::super::{Result, given};
use super::Asking;

const PAGES: usize = 4;

/// Turns pages in every cell, plainly and under controls.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let controls = [
        ("plain", json!({})),
        (
            "controlled",
            json!({ "diversity": 0.3, "caps": [{ "field": asking.world.tags, "most": 2 }], "explain": true }),
        ),
    ];
    for (nth, cell) in CELLS.iter().enumerate() {
        for (name, control) in &controls {
            turn(asking, &format!("{cell}.{name}"), (cell, nth + 5), control)?;
        }
    }
    Ok(())
}

fn turn(asking: &mut Asking, name: &str, (cell, nth): (&str, usize), control: &Json) -> Result<()> {
    let mut request = in_cell(asking.world, cell, nth);
    merge(&mut request, control);
    for page in 0..PAGES {
        let ranking = given::rank(&asking.db, &request.clone().into())?;
        asking.add_ranking("page", &format!("{name}.{page}"), &ranking)?;
        let Some(next) = ranking.next_page_token else { break };
        request.insert("next".to_owned(), next.into());
        // Other than the limit, a page may be asked for with another history.
        request.insert("limit".to_owned(), (5 + page).into());
        request.insert("history".to_owned(), json!([asking.world.popular.get(page)]));
    }
    Ok(())
}
