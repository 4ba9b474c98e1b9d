//! Bars as inline SVG, and what all plots share.

use std::fmt::Write;

use crate::api::evaluation::{SystemKind, SystemReport, TaskReport};
use crate::offline::evaluate::text::first;

use super::escape;

const WIDTH: f64 = 1040.0;
/// Where bars begin: names stand left of it.
const LEFT: f64 = 230.0;
/// Where bars end: figures stand right of it.
const RIGHT: f64 = 860.0;
const ROW: f64 = 26.0;

/// The class that colours a system.
pub(super) fn class(kind: SystemKind) -> &'static str {
    match kind {
        SystemKind::Rank => "rank",
        SystemKind::Baseline => "baseline",
        SystemKind::Variant => "variant",
        SystemKind::External => "external",
    }
}

/// The end of an axis that holds `most`: 1, 2 or 5 times a power of ten, and how far its marks are apart.
pub(super) fn axis(most: f64) -> (f64, f64) {
    let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
    let rough = most / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(power * 10.0);
    ((most / step).ceil() * step, step)
}

/// A number with as many digits as its axis needs.
pub(super) fn mark(value: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

/// The first measure of every system as bars, with its interval as a whisker.
pub(super) fn bars(task: &TaskReport) -> String {
    let most = task.systems.iter().map(|system| first(system).high).fold(0.0, f64::max);
    let (end, step) = axis(most);
    let x = |value: f64| LEFT + value / end * (RIGHT - LEFT);
    let bottom = 8.0 + task.systems.len() as f64 * ROW;
    let mut svg = open(WIDTH, bottom + 26.0, &format!("NDCG@{} of each system", task.k));
    let mut value = 0.0;
    while value <= end + step / 2.0 {
        let at = x(value);
        let _ = write!(svg, "<line class=grid x1={at:.1} x2={at:.1} y1=4 y2={bottom:.1} />");
        let _ = write!(
            svg,
            "<text class=soft x={at:.1} y={:.1} text-anchor=middle>{}</text>",
            bottom + 18.0,
            mark(value, step)
        );
        value += step;
    }
    for (row, system) in task.systems.iter().enumerate() {
        let _ = write!(svg, "{}", bar(system, 8.0 + row as f64 * ROW, &x));
    }
    if let Some(rank) = task.systems.first().filter(|system| system.kind == SystemKind::Rank) {
        let at = x(first(rank).mean);
        let _ = write!(svg, "<line class=ref x1={at:.1} x2={at:.1} y1=4 y2={bottom:.1} />");
    }
    svg + "</svg>"
}

fn bar(system: &SystemReport, top: f64, x: &dyn Fn(f64) -> f64) -> String {
    let value = first(system);
    let (middle, strong) = (top + ROW / 2.0, if system.kind == SystemKind::Rank { " class=strong" } else { "" });
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<text{strong} x={} y={:.1} text-anchor=end>{}</text>",
        LEFT - 10.0,
        middle + 4.0,
        escape(&short(&system.name, 34))
    );
    let (width, height) = ((x(value.mean) - LEFT).max(1.0), ROW - 10.0);
    let _ = write!(
        svg,
        "<rect class={} x={LEFT} y={:.1} width={width:.1} height={height:.1} rx=3><title>{}: {:.4}</title></rect>",
        class(system.kind),
        top + 5.0,
        escape(&system.name),
        value.mean
    );
    let (low, high) = (x(value.low), x(value.high));
    let (up, down) = (middle - 4.0, middle + 4.0);
    let _ = write!(
        svg,
        "<path class=whisker d='M{low:.1} {up:.1}V{down:.1}M{low:.1} {middle:.1}H{high:.1}M{high:.1} {up:.1}V{down:.1}' />"
    );
    let _ = write!(
        svg,
        "<text{strong} x={} y={:.1}>{:.4} <tspan class=soft>[{:.4}, {:.4}]</tspan></text>",
        RIGHT + 14.0,
        middle + 4.0,
        value.mean,
        value.low,
        value.high
    );
    svg
}

/// Where the targets stand in the lists of `rank` and of the best baseline.
pub(super) fn ranks(task: &TaskReport) -> String {
    let (width, height, left, bottom) = (500.0, 330.0, 40.0, 276.0);
    let best = |name: &String| task.systems.iter().find(|system| &system.name == name);
    let systems: Vec<&SystemReport> =
        task.systems.first().into_iter().chain(task.verdict.best_baseline.as_ref().and_then(best)).collect();
    let share = |count: u32| f64::from(count) / task.questions.max(1) as f64;
    let most = systems.iter().flat_map(|system| system.ranks.iter()).map(|count| share(*count)).fold(0.0, f64::max);
    let (end, step) = axis(most);
    let y = |v: f64| bottom - v / end * (bottom - 20.0);
    let mut svg = open(width, height, "expected rank of the targets");
    let mut value = 0.0;
    while value <= end + step / 2.0 {
        let at = y(value);
        let _ = write!(svg, "<line class=grid x1={left} x2={width} y1={at:.1} y2={at:.1} />");
        let _ = write!(
            svg,
            "<text class=soft x={} y={:.1} text-anchor=end>{:.0}%</text>",
            left - 6.0,
            at + 4.0,
            value * 100.0
        );
        value += step;
    }
    let slot = (width - left) / task.rank_bins.len().max(1) as f64;
    let bar = (slot - 8.0) / systems.len().max(1) as f64;
    for (bin, name) in task.rank_bins.iter().enumerate() {
        let start = left + bin as f64 * slot + 4.0;
        for (place, system) in systems.iter().enumerate() {
            let part = share(system.ranks.get(bin).copied().unwrap_or_default());
            let (top, x) = (y(part), start + place as f64 * bar);
            let title = format!("{}: {:.1} %", escape(&system.name), part * 100.0);
            let _ = write!(
                svg,
                "<rect class={} x={x:.1} y={top:.1} width={:.1} height={:.1} rx=2><title>{title}</title></rect>",
                class(system.kind),
                (bar - 1.0).max(1.0),
                (bottom - top).max(0.0)
            );
        }
        let (middle, down) = (start + slot / 2.0 - 4.0, bottom + 14.0);
        let _ = write!(
            svg,
            "<text class=soft font-size=10 text-anchor=end transform='translate({middle:.1} {down:.1}) rotate(-35)'>{name}</text>"
        );
    }
    svg + "</svg>"
}

pub(super) fn open(width: f64, height: f64, title: &str) -> String {
    format!("<svg viewBox='0 0 {width} {height}' role=img aria-label='{}'>", escape(title))
}

pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
