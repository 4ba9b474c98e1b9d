//! The cells of the grid that a request can stand in.

/// A cell: whether the request has a query, and whether its user has a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub query: bool,
    pub history: bool,
}

impl Cell {
    /// All four, from nothing to everything.
    pub const ALL: [Cell; 4] = [
        Cell { query: false, history: false },
        Cell { query: false, history: true },
        Cell { query: true, history: false },
        Cell { query: true, history: true },
    ];
    /// The one that the budgets are about.
    pub const BOTH: Cell = Cell { query: true, history: true };

    /// The name in tables and messages.
    pub fn name(self) -> &'static str {
        match (self.query, self.history) {
            (false, false) => "first visit",
            (false, true) => "50 events",
            (true, false) => "query",
            (true, true) => "query + 50 events",
        }
    }

    /// The cell of a name.
    pub fn named(name: &str) -> Option<Cell> {
        Cell::ALL.into_iter().find(|cell| cell.name() == name)
    }
}
