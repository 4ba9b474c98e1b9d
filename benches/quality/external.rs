//! External systems: what they learn from and are asked, as files, and their answers, from files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use onelist::evaluation::External;
use onelist::{Engine, Event, Item, Plan, json};
use serde_json::json as object;

use super::Result;

/// Writes `TASK.questions.json`, `TASK.log.jsonl` (all events in order, those after the questions too) and
/// `TASK.items.jsonl`.
pub fn write(folder: &Path, task: &str, db: &Engine, plan: &Plan, items: &[Item], events: &[Event]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let asked = db.questions(plan)?;
    println!("{task}: {} questions, targets {}", asked.questions.len(), asked.targets_hash);
    fs::write(folder.join(format!("{task}.questions.json")), json::questions_to_json(&asked)?)?;
    let mut file = std::io::BufWriter::new(fs::File::create(folder.join(format!("{task}.items.jsonl")))?);
    for item in items {
        writeln!(file, "{}", json::item_to_json(item)?)?;
    }
    file.flush()?;
    let mut file = std::io::BufWriter::new(fs::File::create(folder.join(format!("{task}.log.jsonl")))?);
    for event in events.iter().filter(|event| plan.until.is_none_or(|until| event.time <= Some(until))) {
        let row = object!({
            "user": event.user,
            "item": event.item,
            "action": event.action.name(),
            "value": event.value,
            "time": event.time.map(|time| time.seconds()),
        });
        writeln!(file, "{row}")?;
    }
    Ok(file.flush()?)
}

/// The answers in `TASK.*.answers.json` of the folder, in order of their names.
pub fn read(folder: &Path, task: &str) -> Result<Vec<External>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if name.starts_with(&format!("{task}.")) && name.ends_with(".answers.json") {
            let external = json::external_from_json(&fs::read_to_string(&path)?);
            found.insert(name, external.map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    match found.is_empty() {
        true => Err(format!("no {task}.*.answers.json in {}", folder.display()).into()),
        false => Ok(found.into_values().collect()),
    }
}
