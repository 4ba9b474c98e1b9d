//! Coverage against novelty, with a label at each point.

use std::fmt::Write;

use crate::api::evaluation::{SystemKind, SystemReport, TaskReport};

use super::escape;
use super::plots::{axis, class, mark, open, short};

const WIDTH: f64 = 500.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 484.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 286.0;
/// Height of a label, and width of one of its letters.
const LINE: f64 = 12.0;
const LETTER: f64 = 6.1;

/// How much of the catalog is shown, and how far it is from the most popular items.
pub(super) fn scatter(task: &TaskReport) -> String {
    let shown: Vec<&SystemReport> = task.systems.iter().filter(|system| system.kind != SystemKind::Variant).collect();
    let novelty = || shown.iter().map(|system| system.beyond.novelty);
    let (end_x, step_x) = axis(shown.iter().map(|system| system.beyond.coverage).fold(0.0, f64::max));
    let low = novelty().fold(f64::INFINITY, f64::min).min(1e6).floor();
    let (span, step_y) = axis(novelty().fold(low + 1.0, f64::max) - low);
    let x = |coverage: f64| LEFT + coverage / end_x * (RIGHT - LEFT);
    let y = |novelty: f64| BOTTOM - (novelty - low) / span * (BOTTOM - TOP);
    let mut svg = open(WIDTH, HEIGHT, "coverage and novelty of each system");
    for step in 0..=(end_x / step_x).round() as usize {
        let (at, label) = (x(step as f64 * step_x), mark(step as f64 * step_x, step_x));
        let _ = write!(svg, "<line class=grid x1={at:.1} x2={at:.1} y1={TOP} y2={BOTTOM} />");
        let _ = write!(svg, "<text class=soft x={at:.1} y={} text-anchor=middle>{label}</text>", BOTTOM + 18.0);
    }
    for step in 0..=(span / step_y).round() as usize {
        let (at, label) = (y(low + step as f64 * step_y), mark(low + step as f64 * step_y, step_y));
        let _ = write!(svg, "<line class=grid x1={LEFT} x2={RIGHT} y1={at:.1} y2={at:.1} />");
        let _ = write!(svg, "<text class=soft x={} y={:.1} text-anchor=end>{label}</text>", LEFT - 8.0, at + 4.0);
    }
    let _ =
        write!(svg, "<text class=soft x={RIGHT} y={} text-anchor=end>coverage, share of items</text>", BOTTOM + 38.0);
    let _ = write!(svg, "<text class=soft x=0 y=10>novelty, bits</text>");
    let points: Vec<(f64, f64)> = shown.iter().map(|s| (x(s.beyond.coverage), y(s.beyond.novelty))).collect();
    let mut taken: Vec<Area> = points.iter().map(|(px, py)| Area::around(*px, *py, 6.0)).collect();
    for (system, (px, py)) in shown.iter().zip(&points) {
        svg.push_str(&label(&mut taken, *px, *py, &short(&system.name, 26)));
    }
    // `rank` is first, and is drawn last, so that it lies on top.
    for (system, (px, py)) in shown.iter().zip(&points).rev() {
        let radius = if system.kind == SystemKind::Rank { 7.0 } else { 5.0 };
        let (kind, name) = (class(system.kind), escape(&system.name));
        let _ = write!(svg, "<circle class={kind} cx={px:.1} cy={py:.1} r={radius}><title>{name}</title></circle>");
    }
    svg + "</svg>"
}

/// A part of the plot that something covers.
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn around(x: f64, y: f64, reach: f64) -> Area {
        Area { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach }
    }

    fn meets(&self, other: &Area) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

/// A name beside its point: the nearest free place to the right or the left, with a line when it is not beside it.
fn label(taken: &mut Vec<Area>, x: f64, y: f64, name: &str) -> String {
    let width = name.chars().count() as f64 * LETTER;
    let heights = (0..20).flat_map(|step| [f64::from(step) * LINE / 2.0, f64::from(step) * -LINE / 2.0]);
    let places = heights.flat_map(|dy| [(x + 10.0, y + dy), (x - 10.0 - width, y + dy)]);
    let area = |(left, middle): (f64, f64)| Area {
        left,
        right: left + width,
        top: middle - LINE / 2.0,
        bottom: middle + LINE / 2.0,
    };
    let inside = |area: &Area| area.left > LEFT && area.right < WIDTH && area.top > TOP - LINE && area.bottom < BOTTOM;
    let mut areas = places.map(area).filter(inside);
    let Some(found) = areas.find(|area| taken.iter().all(|other| !other.meets(area))) else { return String::new() };
    let middle = (found.top + found.bottom) / 2.0;
    let mut svg = String::new();
    if (middle - y).abs() > LINE {
        let end = if found.left > x { found.left - 2.0 } else { found.right + 2.0 };
        let _ = write!(svg, "<line class=leader x1={x:.1} y1={y:.1} x2={end:.1} y2={middle:.1} />");
    }
    let _ = write!(svg, "<text x={:.1} y={:.1} font-size=11>{}</text>", found.left, middle + 4.0, escape(name));
    taken.push(found);
    svg
}
