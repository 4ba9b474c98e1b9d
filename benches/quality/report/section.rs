//! The section of one task.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use onelist::evaluation::{Interval, PointInTime, Report, SystemReport, TaskReport};

use super::document::Section;
use crate::provenance::Provenance;
use crate::tasks::Task;

/// Everything that docs/RESULTS.md tells of a task.
pub fn section(task: &Task, report: &Report, provenance: &Provenance) -> Section {
    let tables: Vec<String> = report.tasks.iter().map(|task| table(task).to_string()).collect();
    let text = include_str!("section.md")
        .replace("{title}", task.title)
        .replace("{about}", task.about)
        .replace("{tables}", &tables.join("\n\n"))
        .replace("{notes}", &notes(report))
        .replace("{name}", task.name)
        .replace("{commit}", &provenance.commit)
        .replace("{date}", &provenance.date);
    Section { overview: overview(task, report), text: text.trim().to_owned() }
}

/// The row of the overview: the first table in one line.
fn overview(task: &Task, report: &Report) -> String {
    let heading = format!("[{}](#{})", task.title, anchor(task.title));
    let Some(first) = report.tasks.first() else { return heading };
    let rank = first.systems.first().and_then(|rank| measure(rank, "ndcg")).map(interval).unwrap_or_default();
    let (baseline, difference) = match &first.verdict.best_baseline {
        Some(name) => (name.as_str(), signed(first.verdict.difference)),
        None => ("none", String::new()),
    };
    [&heading, &count(first.questions), &rank, baseline, &difference].map(String::from).join(" | ")
}

fn table(task: &TaskReport) -> Table {
    let k = task.k;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "system".to_owned(),
        format!("NDCG@{k}"),
        "`rank` minus system".to_owned(),
        format!("hit@{k}"),
        format!("MRR@{k}"),
    ]);
    for system in &task.systems {
        let figure = |name| measure(system, name).map(interval).unwrap_or_default();
        let difference = system.rank_minus.map(signed).unwrap_or_default();
        let figures = [figure("ndcg"), difference, figure("hit"), figure("mrr")];
        let figures = figures.map(|text| Cell::new(text).set_alignment(CellAlignment::Right));
        table.add_row(std::iter::once(Cell::new(&system.name)).chain(figures));
    }
    table
}

/// What stands below the tables, one line each.
fn notes(report: &Report) -> String {
    let log = &report.log;
    let questions: usize = report.tasks.iter().map(|task| task.questions).sum();
    let mut notes = vec![
        format!("Protocol: {}.", report.protocol),
        format!(
            "{} targets (`{}`); {} items, {} users, {} events.",
            count(questions),
            report.targets_hash,
            count(log.items),
            count(log.users),
            count(log.events)
        ),
    ];
    for task in &report.tasks {
        // Without baselines there is no verdict.
        notes.extend(task.verdict.best_baseline.as_ref().map(|_| format!("Verdict: {}", task.verdict.line)));
        notes.extend(task.not_run.iter().map(|reason| format!("Not run: {reason}.")));
    }
    notes.extend(report.warnings.iter().map(|warning| sentence(warning)));
    notes.push(point_in_time(&report.point_in_time));
    notes.iter().map(|note| format!("- {note}\n")).collect::<String>().trim_end().to_owned()
}

fn point_in_time(found: &PointInTime) -> String {
    let asked = format!("Point-in-time check: {} targets were asked again with another future; ", found.questions);
    match (found.leaks.as_slice(), found.unsteady.as_slice()) {
        ([], []) => asked + "no answer changed.",
        ([], unsteady) => {
            asked + &format!("answers of {} differ from run to run of the same log.", unsteady.join(", "))
        }
        (leaks, _) => asked + &format!("**answers of {} changed: their figures mean nothing**.", leaks.join(", ")),
    }
}

/// The figure of a system at the first length of list.
fn measure(system: &SystemReport, name: &str) -> Option<Interval> {
    system.measures.iter().find(|measure| measure.name == name).map(|measure| measure.value)
}

fn interval(value: Interval) -> String {
    format!("{:.4} [{:.4}, {:.4}]", value.mean, value.low, value.high)
}

fn signed(value: Interval) -> String {
    format!("{:+.4} [{:+.4}, {:+.4}]", value.mean, value.low, value.high)
}

/// A number with commas between thousands.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let commas = |(place, digit): (usize, char)| {
        let comma = (place > 0 && (digits.len() - place).is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(commas).collect()
}

/// A text with a capital at its start and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).chain(['.']).collect())
}

/// The name of a heading in links, as GitHub makes it.
fn anchor(title: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    title.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_links_and_sentences_read_well() {
        assert_eq!([7, 809, 5183, 100_836, 1_234_567].map(count), ["7", "809", "5,183", "100,836", "1,234,567"]);
        assert_eq!(anchor("Search: claims over abstracts (SciFact)"), "search-claims-over-abstracts-scifact");
        assert_eq!(sentence("rank wins."), "Rank wins.");
        assert_eq!(signed(Interval { mean: 0.5, low: -0.25, high: 1.0 }), "+0.5000 [-0.2500, +1.0000]");
    }
}
