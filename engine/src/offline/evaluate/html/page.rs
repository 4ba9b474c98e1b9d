//! The page from the report.

use std::fmt::Write;

use crate::api::evaluation::{Outcome, Report, SystemKind, SystemReport, TaskReport};
use crate::offline::evaluate::text::{capital, first, interval, measure, milliseconds, signed};

use super::style::STYLE;
use super::{escape, plots, scatter};

impl Report {
    /// The report as one HTML page that needs no script and no network, in light and dark.
    pub fn html(&self) -> String {
        let mut page = String::from("<!doctype html><html lang=en><head><meta charset=utf-8>");
        page.push_str("<meta name=viewport content='width=device-width, initial-scale=1'><title>Evaluation</title>");
        // Writing to a string cannot fail, here and below.
        let _ = write!(page, "<style>{STYLE}</style></head><body><main><h1>How good are the lists?</h1>");
        let _ = write!(page, "<p class=soft>{}.</p>{}", escape(&capital(&self.protocol)), self.facts());
        if !self.warnings.is_empty() {
            let warnings = self.warnings.iter().map(|warning| format!("<li>{}</li>", escape(&capital(warning))));
            let _ = write!(page, "<ul class=warnings>{}</ul>", warnings.collect::<String>());
        }
        self.tasks.iter().for_each(|task| page.push_str(&section(task)));
        let _ = write!(page, "<footer><p>{}</p>", escape(&self.leaks_line()));
        let _ = write!(
            page,
            "<p>Intervals are 95 % percentile bootstrap over users or queries. Ties count at their expectation. Targets {}. \
             Took {:.1} s. Made by Onelist {}.</p></footer></main></body></html>",
            escape(&self.targets_hash),
            self.seconds,
            env!("CARGO_PKG_VERSION")
        );
        page
    }

    fn facts(&self) -> String {
        let questions: usize = self.tasks.iter().map(|task| task.questions).sum();
        let facts = [
            (thousands(self.log.items), "items"),
            (thousands(self.log.users), "users"),
            (thousands(self.log.events), "events"),
            (thousands(questions), "questions"),
            (format!("{:.0} %", self.log.same_time * 100.0), "events of equal time"),
        ];
        let cells = facts.map(|(number, name)| format!("<div><b>{number}</b><span>{name}</span></div>"));
        format!("<div class=facts>{}</div>", cells.concat())
    }
}

fn section(task: &TaskReport) -> String {
    let outcome = match task.verdict.outcome {
        Outcome::Better => "better",
        Outcome::Worse => "worse",
        _ => "level",
    };
    let mut html =
        format!("<h2>{}</h2><p class=note>{} questions</p>", escape(&capital(&task.name)), thousands(task.questions));
    let _ = write!(html, "<p class='verdict {outcome}'>{}</p><div class=cards>", escape(&task.verdict.line));
    let _ = write!(
        html,
        "<div class='card wide'><h3>NDCG@{}</h3>{}",
        task.k,
        note("Bars are means, whiskers 95 % intervals; the dashed line is rank.")
    );
    let _ = write!(html, "{}{}</div>", plots::bars(task), legend(task));
    let best = task.systems.iter().find(|system| Some(&system.name) == task.verdict.best_baseline.as_ref());
    let _ = write!(
        html,
        "<div class=card><h3>Where the targets stand</h3>{}{}<div class=legend>{}{}</div></div>",
        note("Share of questions by the expected rank of the target."),
        plots::ranks(task),
        key(SystemKind::Rank, "rank"),
        best.map_or(String::new(), |best| key(best.kind, &best.name))
    );
    let _ = write!(
        html,
        "<div class=card><h3>Coverage and novelty</h3>{}{}</div>",
        note("To the right: more of the catalog is shown. Up: less popular items."),
        scatter::scatter(task)
    );
    html.push_str(&slices(task));
    let _ = write!(html, "<div class='card wide'><h3>All figures</h3><div class=scroll>{}</div>", figures(task));
    for reason in &task.not_run {
        let _ = write!(html, "<p class=note>Not run: {}</p>", escape(reason));
    }
    html.push_str("</div></div>");
    html
}

fn note(text: &str) -> String {
    format!("<p class=note>{text}</p>")
}

fn legend(task: &TaskReport) -> String {
    let has = |kind| task.systems.iter().any(|system| system.kind == kind);
    let all = [
        (SystemKind::Rank, "rank"),
        (SystemKind::Baseline, "baseline"),
        (SystemKind::External, "from elsewhere"),
        (SystemKind::Variant, "rank, changed"),
    ];
    let entries = all.into_iter().filter(|(kind, _)| has(*kind));
    format!("<div class=legend>{}</div>", entries.map(|(kind, name)| key(kind, name)).collect::<String>())
}

/// One entry of a legend.
fn key(kind: SystemKind, name: &str) -> String {
    format!("<span><i style='background:var(--{})'></i>{}</span>", plots::class(kind), escape(name))
}

/// Systems down, parts of the questions across; the darker, the better within its column.
fn slices(task: &TaskReport) -> String {
    let Some(names) = task.systems.first().map(|system| &system.slices).filter(|slices| !slices.is_empty()) else {
        return String::new();
    };
    let head: String = names
        .iter()
        .map(|slice| format!("<th class=wrap>{}<br>{}</th>", escape(&slice.name), thousands(slice.questions)))
        .collect();
    let shown = || task.systems.iter().filter(|system| system.kind != SystemKind::Variant);
    let most: Vec<f64> = (0..names.len())
        .map(|column| shown().filter_map(|s| s.slices.get(column)).map(|s| s.value.mean).fold(0.0, f64::max))
        .collect();
    let cell = |(slice, most): (&crate::api::evaluation::Slice, &f64)| {
        let heat = if *most > 0.0 { slice.value.mean / most * 45.0 } else { 0.0 };
        let title = interval(slice.value);
        format!("<td class=heat style='--heat:{heat:.0}%' title='{title}'>{:.3}</td>", slice.value.mean)
    };
    let row = |system: &SystemReport| {
        let cells: String = system.slices.iter().zip(&most).map(cell).collect();
        format!("<tr class={}><td>{}</td>{cells}</tr>", plots::class(system.kind), escape(&system.name))
    };
    let rows: String = shown().map(row).collect();
    let hint = note(
        "The darker, the nearer to the best of the column. Head, torso and tail items hold a third of all events each.",
    );
    format!(
        "<div class='card wide'><h3>NDCG@{} by part of the questions</h3>{hint}<div class=scroll><table><tr><th></th>{head}</tr>{rows}</table></div></div>",
        task.k
    )
}

fn figures(task: &TaskReport) -> String {
    let k = task.k;
    // With one relevant item, recall equals hit and MAP equals MRR: one of each is shown.
    let same = |a, b| task.systems.iter().all(|system| measure(system, a) == measure(system, b));
    let single = same("hit", "recall") && same("mrr", "map");
    let measures: &[(&str, &str)] = match single {
        true => &[("hit", "hit"), ("mrr", "MRR")],
        false => &[("hit", "hit"), ("recall", "recall"), ("mrr", "MRR"), ("map", "MAP")],
    };
    let mut names = vec!["system".to_owned(), format!("NDCG@{k} [95 %]"), "rank minus this [95 %]".to_owned()];
    names.extend(measures.iter().map(|(_, name)| format!("{name}@{k}")));
    names.extend(
        ["retrieved", "coverage", "Gini", "novelty", "distance", "cali\u{ad}bration", "empty"].map(str::to_owned),
    );
    names.extend(["p50 ms", "p99 ms"].map(str::to_owned));
    let head: String = names.iter().map(|name| format!("<th class=fit>{name}</th>")).collect();
    let rows: String = task.systems.iter().map(|system| row(system, measures)).collect();
    format!("<table class=tight><tr>{head}</tr>{rows}</table>")
}

fn row(system: &SystemReport, measures: &[(&str, &str)]) -> String {
    let beyond = &system.beyond;
    let digits = |value: f64| format!("{value:.3}");
    let mut cells =
        vec![escape(&system.name), interval(first(system)), system.rank_minus.map_or(String::new(), signed)];
    cells.extend(measures.iter().map(|(name, _)| digits(measure(system, name))));
    cells.extend([system.retrieved, beyond.coverage, beyond.gini].map(digits));
    cells.push(format!("{:.1}", beyond.novelty));
    cells.push(digits(beyond.distance));
    cells.push(beyond.calibration.map_or(String::new(), digits));
    cells.push(digits(beyond.empty));
    cells.extend(system.latency_ms.map(|ms| milliseconds(system, ms)));
    let cells: String = cells.into_iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr class={}>{cells}</tr>", plots::class(system.kind))
}

/// Digits in groups of three.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
