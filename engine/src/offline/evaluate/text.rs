//! The report as aligned tables for a terminal.

use std::fmt::Write;

use crate::api::evaluation::{Interval, PointInTime, Report, SystemKind, SystemReport, TaskReport};

impl Report {
    /// The report as text: warnings, one table for each task, slices, and the verdict in words.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, to: &mut String) -> std::fmt::Result {
        let log = &self.log;
        writeln!(to, "{}", self.protocol)?;
        writeln!(to, "{} items, {} users, {} events; targets {}", log.items, log.users, log.events, self.targets_hash)?;
        if log.unknown_items > 0 {
            writeln!(to, "{} events name items that are not in the catalog; they were left out", log.unknown_items)?;
        }
        for warning in &self.warnings {
            writeln!(to, "! {warning}")?;
        }
        for task in &self.tasks {
            write_task(to, task)?;
        }
        writeln!(to, "\n{}", self.leaks_line())?;
        writeln!(to, "{:.1} s", self.seconds)
    }

    /// The result of the point-in-time check, in one sentence.
    pub(super) fn leaks_line(&self) -> String {
        let PointInTime { questions, leaks, unsteady } = &self.point_in_time;
        let mut line = match (questions, leaks.as_slice()) {
            (0, _) => return "Point in time: not checked.".to_owned(),
            (_, []) => format!("Point in time: {questions} questions, no answer changed with another future."),
            (_, leaks) => format!(
                "Point in time: of {questions} questions, answers of {} CHANGED with the future: their figures are invalid.",
                leaks.join(", ")
            ),
        };
        if !unsteady.is_empty() {
            let names = unsteady.join(", ");
            line += &format!(
                " Answers of {names} differ from run to run of the same log: the check is inconclusive for them."
            );
        }
        line
    }
}

fn write_task(to: &mut String, task: &TaskReport) -> std::fmt::Result {
    writeln!(to, "\n{} ({} questions)", capital(&task.name), task.questions)?;
    write_table(to, &figures(task))?;
    for reason in &task.not_run {
        writeln!(to, "not run: {reason}")?;
    }
    if let Some(rows) = slices(task) {
        writeln!(to)?;
        write_table(to, &rows)?;
    }
    writeln!(to, "{}", task.verdict.line)
}

/// The words of a header and the cells of each row, all as text.
pub(super) type Rows = Vec<Vec<String>>;

/// One row for each system.
fn figures(task: &TaskReport) -> Rows {
    let k = task.k;
    let mut rows = vec![vec![
        "system".to_owned(),
        format!("NDCG@{k} [95 %]"),
        "rank minus [95 %]".to_owned(),
        format!("hit@{k}"),
        format!("MRR@{k}"),
        "retrieved".to_owned(),
        format!("coverage@{k}"),
        "Gini".to_owned(),
        "novelty".to_owned(),
        "distance".to_owned(),
        "calibration".to_owned(),
        "empty".to_owned(),
        "p50 ms".to_owned(),
        "p99 ms".to_owned(),
    ]];
    rows.extend(task.systems.iter().map(|system| {
        let beyond = &system.beyond;
        let digits = |value: f64| format!("{value:.3}");
        let mut row = vec![named(system), interval(first(system)), system.rank_minus.map_or(String::new(), signed)];
        row.extend(
            [measure(system, "hit"), measure(system, "mrr"), system.retrieved, beyond.coverage, beyond.gini]
                .map(digits),
        );
        row.push(format!("{:.1}", beyond.novelty));
        row.push(digits(beyond.distance));
        row.push(beyond.calibration.map_or(String::new(), digits));
        row.push(digits(beyond.empty));
        row.extend(system.latency_ms.map(|ms| milliseconds(system, ms)));
        row
    }));
    rows
}

/// Systems down, slices across; only the mean, which is all that fits.
fn slices(task: &TaskReport) -> Option<Rows> {
    let names = &task.systems.first()?.slices;
    if names.is_empty() {
        return None;
    }
    let mut rows = vec![vec![format!("NDCG@{} of", task.k)]];
    rows[0].extend(names.iter().map(|slice| format!("{} ({})", slice.name, slice.questions)));
    for system in task.systems.iter().filter(|system| system.kind != SystemKind::Variant) {
        let mut row = vec![named(system)];
        row.extend(system.slices.iter().map(|slice| format!("{:.3}", slice.value.mean)));
        rows.push(row);
    }
    Some(rows)
}

fn named(system: &SystemReport) -> String {
    match system.kind {
        SystemKind::Variant => format!("  {}", system.name),
        _ => system.name.clone(),
    }
}

/// External systems are not timed.
pub(super) fn milliseconds(system: &SystemReport, ms: f64) -> String {
    match system.kind {
        SystemKind::External => String::new(),
        _ => format!("{ms:.1}"),
    }
}

/// The measure that the verdict is about.
pub(super) fn first(system: &SystemReport) -> Interval {
    system.measures.first().map(|measure| measure.value).unwrap_or_default()
}

/// The mean of a measure at the first length of list.
pub(super) fn measure(system: &SystemReport, name: &str) -> f64 {
    system.measures.iter().find(|measure| measure.name == name).map_or(0.0, |measure| measure.value.mean)
}

pub(super) fn interval(value: Interval) -> String {
    format!("{:.4} [{:.4}, {:.4}]", value.mean, value.low, value.high)
}

pub(super) fn signed(value: Interval) -> String {
    format!("{:+.4} [{:+.4}, {:+.4}]", value.mean, value.low, value.high)
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// Columns as wide as their widest cell: the first to the left, the others to the right.
fn write_table(to: &mut String, rows: &Rows) -> std::fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(&widths).enumerate() {
            match place {
                0 => write!(line, "{cell:<width$}")?,
                _ => write!(line, "  {cell:>width$}")?,
            }
        }
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}
