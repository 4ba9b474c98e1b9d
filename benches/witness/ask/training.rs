//! Training files: the values of every column.

use serde_json::{Value as Json, json};

use onelist::json as engine_json;

use super::super::renamed::{COLUMNS, FEATURES, SOURCES, old};
use super::super::{Result, given};
use super::{Asking, parquet_file};

/// Exports rows of the newest requests, of each kind, and of those before a time.
pub fn ask(asking: &mut Asking) -> Result<()> {
    let until = asking.world.now - 30.0 * 86_400.0;
    let plans = [
        ("newest", json!({ "requests": 60, "negatives": 10 })),
        ("spread", json!({ "requests": 120, "spread": true, "negatives": 5 })),
        ("until", json!({ "requests": 5, "until": until })),
    ];
    for (name, plan) in plans {
        let path = asking.path.join("training.parquet");
        let written = asking.db.export_training(&path, &given::training_plan(&plan)?)?;
        let mut summary = given::answered(&[], engine_json::training_summary_to_json(&written))?;
        // The file names its writer and the features in its metadata.
        super::catalog::without(&mut summary, &["bytes"]);
        asking.add("training", &format!("{name}.summary"), summary)?;
        for (column, values) in parquet_file::columns(&path)? {
            add_column(asking, name, &column, values)?;
        }
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn add_column(asking: &mut Asking, plan: &str, column: &str, mut values: Vec<Json>) -> Result<()> {
    let name = old(FEATURES, old(COLUMNS, column)).to_owned();
    let mut section = "training";
    match name.as_str() {
        "sources" => values.iter_mut().flat_map(|row| row.as_array_mut()).flatten().for_each(|source| {
            *source = old(SOURCES, source.as_str().unwrap_or_default()).into();
        }),
        // Names of situations are words.
        "situation" => section = "training-text",
        _ => {}
    }
    asking.add(section, &format!("{plan}.column.{name}"), values.into())
}
