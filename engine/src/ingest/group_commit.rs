//! One commit for several callers.

use crossbeam::channel::Sender;

use crate::api::token::Token;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::watch::{self, Watch};
use crate::store::Stores;

use super::commit::{IMPRESSIONS_PER_COMMIT, apply_journal, commit_impressions};
use super::group::{Done, Job};
use super::pending::Pending;

/// Commits a group, and answers each of its callers. A job that is refused leaves the others untouched.
pub(super) fn commit_group(stores: &Stores, group: Vec<Job>) {
    let mut replies = Vec::with_capacity(group.len());
    // So that an impression is in the journal before every event that answers it.
    while stores.impressions.arrivals().len() > IMPRESSIONS_PER_COMMIT && commit_impressions(stores) {}
    // A caller that is alone can stop its own work half-way; one of several would stop the others'.
    let alone = match &group[..] {
        [job] => job.watched.clone(),
        _ => None,
    };
    let result = watch::within(alone, || try_commit(stores, group, &mut replies));
    let result = result.map_err(|error| stores.name_full_disk(error));
    for (reply, answer) in replies {
        // A caller that is gone does not need an answer.
        let _ = match (&result, answer) {
            (Ok(seq), answer) => reply.send(answer.map(|count| Done { count, token: Token(seq.0) })),
            (Err(error), Ok(_)) => reply.send(Err(again(error))),
            (Err(_), Err(refused)) => reply.send(Err(refused)),
        };
    }
}

/// The same failure for every caller of a group.
fn again(error: &Error) -> Error {
    match error {
        Error::Poisoned { reason } => Error::Poisoned { reason: reason.clone() },
        Error::Storage { reason } => Error::Storage { reason: reason.clone() },
        Error::DiskFull { action, path } => Error::DiskFull { action, path: path.clone() },
        Error::CatalogFull => Error::CatalogFull,
        Error::Cancelled => Error::Cancelled,
        Error::DeadlineExceeded => Error::DeadlineExceeded,
        other => Error::internal(other.to_string()),
    }
}

type Replies = Vec<(Sender<Result<Done>>, Result<usize>)>;

fn try_commit(stores: &Stores, group: Vec<Job>, replies: &mut Replies) -> Result<Seq> {
    let mut pending = match Pending::begin(stores) {
        Ok(pending) => pending,
        Err(error) => {
            replies.extend(group.into_iter().map(|job| (job.reply, Ok(0))));
            return Err(error);
        }
    };
    let mut failed = None;
    for mut job in group {
        let wanted = job.watched.as_ref().map_or(Ok(()), Watch::check);
        let answer = match (&failed, wanted.and_then(|()| pending.check(&mut job.work))) {
            // A refused batch leaves no trace; the others of the group go on.
            (None, Err(refused)) => Err(refused),
            (None, Ok(())) => pending.apply(job.work).or_else(|error| {
                // The transaction is half written: nothing of the group may be committed.
                failed = Some(error);
                Ok(0)
            }),
            (Some(_), _) => Ok(0),
        };
        replies.push((job.reply, answer));
    }
    match failed {
        Some(error) => Err(error),
        // Nothing new, so no commit number: the journal is applied as it would be while the writer is idle.
        None if pending.rows == 0 && (!pending.drain || stores.impressions.is_empty()) => {
            let (drain, last) = (pending.drain, pending.write.last());
            drop(pending);
            if drain { apply_journal(stores, usize::MAX).map(|()| last) } else { Ok(last) }
        }
        None => pending.commit(),
    }
}
