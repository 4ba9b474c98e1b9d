//! Tables that a person enjoys reading.

use std::time::Duration;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use onelist::{Hit, Ranking, Stats, Value};

/// A line above a table.
pub fn heading(what: &str, detail: &str) {
    println!("\n{what}\n   {detail}");
}

/// One ranked list, with its reasons.
pub fn ranking(ranking: &Ranking) {
    let mut table = table(&["", "title", "year", "genres", "score", "found by", "why"]);
    for (place, hit) in ranking.hits.iter().enumerate() {
        table.add_row([
            right(format!("{}", place + 1)),
            Cell::new(text(hit, "title")),
            right(text(hit, "year")),
            Cell::new(text(hit, "genres")),
            right(format!("{:.2}", hit.score)),
            Cell::new(sources(hit)),
            Cell::new(hit.why.as_ref().map(|why| why.line.clone()).unwrap_or_default()),
        ]);
    }
    println!("{table}");
    let took = ranking.took;
    println!("   {} candidates, {:.2} ms", ranking.candidates, took.total_us as f64 / 1000.0);
    ranking.warnings.iter().for_each(|note| println!("   note: {note}"));
}

/// Several lists beside one another.
pub fn side_by_side(columns: &[(String, Ranking)]) {
    let names: Vec<&str> = std::iter::once("").chain(columns.iter().map(|(name, _)| name.as_str())).collect();
    let mut table = table(&names);
    let longest = columns.iter().map(|(_, ranking)| ranking.hits.len()).max().unwrap_or(0);
    for place in 0..longest {
        let titles = columns.iter().map(|(_, r)| r.hits.get(place).map(|hit| text(hit, "title")).unwrap_or_default());
        table.add_row(std::iter::once(format!("{}", place + 1)).chain(titles));
    }
    println!("{table}");
}

/// What it took.
pub fn summary(stats: &Stats, put: f64, log: f64, latency: &[(&'static str, Vec<Duration>)], reopened: Duration) {
    heading("What it took", "one process, one directory, one model file; times are of this run on this machine");
    let mut table = table(&["", "", ""]);
    table.add_row(["put", &format!("{put:.0} items/s"), "text embedded, durable on return"]);
    table.add_row(["log", &format!("{log:.0} events/s"), "durable on return"]);
    for (cell, times) in latency {
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |t| t.as_secs_f64() * 1e3);
        table.add_row(["rank", &format!("p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99)), *cell]);
    }
    let per_item = stats.disk_bytes as f64 / stats.items.max(1) as f64 / 1024.0;
    table.add_row([
        "disk",
        &format!("{:.1} MB", stats.disk_bytes as f64 / 1e6),
        &format!("{per_item:.1} KiB an item, events included"),
    ]);
    table.add_row(["open", &format!("{:.0} ms", reopened.as_secs_f64() * 1e3), "and close, after a clean close"]);
    table.add_row(["model", &stats.model.name, &format!("on {}", stats.model.provider)]);
    println!("{table}\n");
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    // A terminal that does not tell its width (a log, a pipe) gets one that fits most screens.
    if table.width().is_none() {
        table.set_width(150);
    }
    if header.iter().any(|name| !name.is_empty()) {
        table.set_header(header);
    }
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn sources(hit: &Hit) -> String {
    hit.sources.iter().map(|p| format!("{} #{}", p.source.name(), p.rank)).collect::<Vec<_>>().join("\n")
}

fn text(hit: &Hit, field: &str) -> String {
    match hit.fields.get(field) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Number(number)) => format!("{number}"),
        Some(Value::Tags(tags)) => tags.join(", "),
        _ => String::new(),
    }
}
