//! From scored candidates to the page that is returned: everything that moves a hit after the model has scored it.
//!
//! A request without controls is cut at once; otherwise, in this order:
//!
//! | file | what it does |
//! |---|---|
//! | `page` | the order of the steps, and the page that is cut out |
//! | `adjust` | adds to scores: `unlike`, boosts, burials |
//! | `select`, `term` | orders by scores and by what a choice costs, given those before it |
//! | `diversify`, `calibrated` | two such terms: unlike each other, and the mix of the history |
//! | `caps`, `groups` | at most so many hits of one value of a field |
//! | `explore` | draws another order on some requests |
//! | `pins` | puts what is pinned where it belongs |
//! | `new_items`, `fit` | gives new items their places, by the fit of their content |

mod adjust;
mod calibrated;
mod caps;
mod diversify;
mod explore;
mod fit;
mod groups;
mod new_items;
mod page;
mod pins;
mod select;
mod term;
#[cfg(test)]
mod tests;
mod vectors;

pub(crate) use page::rerank;
