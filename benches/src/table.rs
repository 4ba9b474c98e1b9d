//! The one table, and the lines that the project holds itself to.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    /// So many in a second: more is better.
    Rate,
    /// Microseconds: less is better.
    Micros,
    /// Bytes: less is better.
    Bytes,
}

/// One line: what the engine needs, and what direct calls need for the same work.
pub struct Row {
    items: usize,
    what: String,
    engine: f64,
    direct: Option<f64>,
    unit: Unit,
    compared: String,
}

impl Row {
    /// A line of the table. `compared` says what the direct side does.
    pub fn new(
        items: usize,
        what: impl Into<String>,
        engine: f64,
        direct: Option<f64>,
        unit: Unit,
        compared: impl Into<String>,
    ) -> Row {
        Row { items, what: what.into(), engine, direct, unit, compared: compared.into() }
    }
}

/// A line that is held, or not.
pub struct Budget {
    pub items: usize,
    pub what: String,
    pub measured: f64,
    pub wanted: String,
    pub holds: bool,
}

/// All rows as one table.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["items", "what", "engine", "direct", "engine / direct", "the direct side"]);
    for row in rows {
        let ratio = row.direct.filter(|direct| *direct > 0.0).map(|direct| row.engine / direct);
        table.add_row([
            right(count(row.items as f64)),
            Cell::new(&row.what),
            right(shown(row.engine, row.unit)),
            right(row.direct.map_or_else(String::new, |direct| shown(direct, row.unit))),
            right(ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))),
            Cell::new(&row.compared),
        ]);
    }
    table
}

/// The lines, and whether they are held.
pub fn budgets(all: &[Budget]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["items", "line", "measured", "wanted (at 100,000 items)", "held"]);
    for budget in all {
        table.add_row([
            right(count(budget.items as f64)),
            Cell::new(&budget.what),
            right(format!("{:.2}", budget.measured)),
            Cell::new(&budget.wanted),
            Cell::new(if budget.holds { "yes" } else { "no" }),
        ]);
    }
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Rate => format!("{} /s", count(value)),
        Unit::Micros if value < 1000.0 => format!("{value:.0} us"),
        Unit::Micros => format!("{:.2} ms", value / 1000.0),
        Unit::Bytes if value < 10_000.0 => format!("{} B", count(value)),
        Unit::Bytes => format!("{:.1} MiB", value / 1_048_576.0),
    }
}

/// A whole number with commas.
fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([count(0.4), count(999.0), count(1000.0), count(1_234_567.0)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(shown(4321.0, Unit::Rate), "4,321 /s");
        assert_eq!([shown(12.3, Unit::Micros), shown(4567.0, Unit::Micros)], ["12 us", "4.57 ms"]);
        assert_eq!([shown(800.0, Unit::Bytes), shown(3_145_728.0, Unit::Bytes)], ["800 B", "3.0 MiB"]);
    }

    #[test]
    fn a_row_shows_its_ratio() {
        let text = table(&[Row::new(1000, "rank", 3000.0, Some(2000.0), Unit::Micros, "calls")]).to_string();
        assert!(text.contains("1.50") && text.contains("3.00 ms"), "{text}");
    }
}
