//! Measuring: replay a log, ask every system just before each target happens, score the answers.
//!
//! Everything here works on a plain [`Log`] and on the trait [`Subject`]; the engine itself, in a scratch directory, is one
//! more subject. A subject sees each event once, in order of time, and is asked in between: it knows what it would have
//! known at that time.
//!
//! | file | what it does |
//! |---|---|
//! | `log`, `targets` | the log as plain data; which events are targets, what is withheld |
//! | `asked` | the questions of a plan in their order, and warnings about them |
//! | `subject`, `replay` | what is asked, and the one loop that logs and asks |
//! | `positions`, `accuracy` | positions in a ranking with ties, and the measures as expectations over them |
//! | `scoreboard`, `beyond`, `slices`, `interval` | figures of a system from its answers, with confidence intervals |
//! | `significance` | whether `rank` beats the best baseline |
//! | `leaks` | the point-in-time check |
//! | `baselines/` | what `rank` has to beat, one small file each |
//! | `external` | external systems: the questions to ask them, and their answers |
//! | `counterfactual` | IPS, SNIPS and DR from logged propensities |
//! | `run` | the whole measurement, step by step |
//! | `text`, `html/` | the report as text and as a page |

mod accuracy;
mod asked;
mod baselines;
mod beyond;
mod counterfactual;
mod external;
mod html;
mod interval;
mod leaks;
mod log;
mod positions;
mod replay;
mod run;
mod scoreboard;
mod significance;
mod slices;
mod subject;
mod targets;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use counterfactual::counterfactual;
pub(crate) use external::{past, questions};
pub(crate) use log::{Log, LogEvent, LogItem, Vectors};
pub(crate) use run::run;
pub(crate) use subject::{Answer, Question, Ranked, Subject, Task};
