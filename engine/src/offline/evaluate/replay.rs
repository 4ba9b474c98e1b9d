//! The one loop that logs and asks.

use crate::base::error::Result;
use crate::base::watch;

use super::log::Log;
use super::subject::{Answer, Question, Subject};
use super::targets::{Ask, Withheld};

/// A question as the listener gets it, besides the answers.
pub(super) struct Moment<'r> {
    pub ask: &'r Ask,
    pub question: Question<'r>,
    /// Positive events so far, by item.
    pub counts: &'r [u32],
}

/// A listener: gets every question with the answers of each subject's systems.
pub(super) type Listen<'l> = dyn FnMut(&Moment, Vec<Vec<Option<Answer>>>) -> Result<()> + 'l;

/// Replays the log up to the last question. `asks` are in order of their place in the log.
///
/// IMPORTANT: a question is asked before the event at its place is logged, and `counts` and histories hold only what was
/// logged before it: this makes the evaluation point-in-time correct by construction.
pub(super) fn replay(
    log: &Log,
    asks: &[Ask],
    withheld: &Withheld,
    depth: usize,
    subjects: &mut [Box<dyn Subject>],
    listen: &mut Listen,
) -> Result<()> {
    let mut histories: Vec<Vec<u32>> = vec![Vec::new(); log.users.len()];
    let mut counts = vec![0u32; log.items.len()];
    let mut place = 0;
    for (number, ask) in asks.iter().enumerate() {
        watch::step("ask", number, asks.len())?;
        while place < ask.at {
            watch::check()?;
            step(log, place, withheld, &mut histories, &mut counts, subjects)?;
            place += 1;
        }
        let history = ask.user.and_then(|user| histories.get(user as usize)).map_or(&[][..], Vec::as_slice);
        let question = Question {
            number,
            task: ask.task,
            user: ask.user,
            history,
            hidden_user: ask.user.is_some_and(|user| withheld.user(user)),
            query: ask.query.as_deref(),
            now: ask.now,
            exclude_seen: ask.exclude_seen,
            depth,
        };
        let ask_one = |subject: &mut Box<dyn Subject>| {
            let answer = subject.rank(log, &question);
            // What a subject fits may have ended early.
            watch::check().and(answer)
        };
        let answers = subjects.iter_mut().map(ask_one).collect::<Result<Vec<_>>>()?;
        listen(&Moment { ask, question, counts: &counts }, answers)?;
    }
    Ok(())
}

/// One event happens.
fn step(
    log: &Log,
    place: usize,
    withheld: &Withheld,
    histories: &mut [Vec<u32>],
    counts: &mut [u32],
    subjects: &mut [Box<dyn Subject>],
) -> Result<()> {
    let Some(event) = log.events.get(place) else { return Ok(()) };
    let Some(history) = histories.get_mut(event.user as usize) else { return Ok(()) };
    if withheld.item(event.item) {
        return Ok(());
    }
    if !withheld.user(event.user) {
        for subject in subjects.iter_mut() {
            subject.log(log, place, history)?;
        }
        if let Some(count) = event.wanted().and_then(|item| counts.get_mut(item)) {
            *count += 1;
        }
    }
    if event.item.is_some() {
        history.push(place as u32);
    }
    Ok(())
}
