//! Measuring: replay a log, ask every system just before each target happens, score the answers.
//!
//! Everything here works on a plain [`Log`] and on the trait [`Subject`]; what is measured (the engine itself, in a scratch
//! directory) is one more subject, made by the facade. A subject sees each event once, in order of time, and is asked in
//! between: what it knows when it is asked is what it would have known then.
//!
//! | file | what it does |
//! |---|---|
//! | `log`, `targets` | the log as plain data; which events are targets, what is withheld |
//! | `asked` | the questions of a plan in their order, and warnings about them |
//! | `subject`, `replay` | what is asked, and the one loop that logs and asks |
//! | `standing`, `accuracy` | ties, and the measures as expectations over them |
//! | `board`, `beyond`, `slices`, `interval`, `verdict` | figures of a system from its answers |
//! | `leaks` | the point-in-time check |
//! | `baselines/` | what `rank` has to beat, one small file each |
//! | `external` | systems from elsewhere: the questions to ask them, and their answers |
//! | `counterfactual` | IPS, SNIPS and DR from logged propensities |
//! | `text`, `html/` | the report for people |

mod accuracy;
mod asked;
mod baselines;
mod beyond;
mod board;
mod counterfactual;
mod external;
mod html;
mod interval;
mod leaks;
mod log;
mod replay;
mod run;
mod slices;
mod standing;
mod subject;
mod targets;
#[cfg(test)]
mod tests;
mod text;
mod verdict;

pub(crate) use counterfactual::counterfactual;
pub(crate) use external::{past, questions};
pub(crate) use log::{Log, LogEvent, LogItem, Vectors};
pub(crate) use run::run;
pub(crate) use subject::{Answer, Question, Ranked, Subject, Task};
