//! The answer, why each hit stands where it stands, and what is remembered of it.
//!
//! | file | what it does |
//! |---|---|
//! | `answer` | payloads for the hits that are returned and no others |
//! | `explain`, `reason` | the explanation of a hit, and its features in words |
//! | `influence`, `title` | what the history and the words of the query did, under names that people know |
//! | `impression` | what is remembered: the impression that the writer logs later |

mod answer;
mod explain;
mod impression;
mod influence;
mod reason;
#[cfg(test)]
mod tests;
mod title;

pub(crate) use answer::respond;
pub(crate) use impression::impression;
