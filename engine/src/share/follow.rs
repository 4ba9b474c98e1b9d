//! The thread of a process that follows: it keeps overlays short, hands impressions on, and notices when the process that
//! writes is gone. What requests see does not depend on it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::frame::encode;
use super::link::{Connection, Link, Outcome};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::store::{Stores, follow_log};

/// How often it looks for new commits.
const LOOK: Duration = Duration::from_millis(20);
/// How often it says how far it is, at least and at most.
const REPORT: Duration = Duration::from_secs(1);
const REPORT_NEW: Duration = Duration::from_millis(200);
/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// Share of removed places in a graph beyond which it is built again.
const MAX_DELETED: f32 = 0.25;
/// Impressions that are handed on at a time.
const IMPRESSIONS: usize = 1024;
/// The order that hands them on.
pub(crate) const KEEP_IMPRESSIONS: &str = "keep_impressions";

/// Called when nobody listens any more. True: this process writes now, and the thread ends.
pub(crate) type Gone = Box<dyn Fn() -> bool + Send>;

/// The thread.
pub(crate) struct FollowThread(JoinHandle<()>);

impl FollowThread {
    /// Starts it; without a link it only follows.
    pub(crate) fn start(stores: Arc<Stores>, link: Option<(Arc<Link>, Gone)>) -> Result<FollowThread> {
        let path = stores.path.clone();
        let thread = std::thread::Builder::new().name("onelist-follow".to_owned()).spawn(move || run(&stores, link));
        Ok(FollowThread(thread.map_err(|e| Error::io("start a thread for", path, e))?))
    }

    /// Waits for its end, which comes when the stores close.
    pub(crate) fn join(self) -> Result<()> {
        self.0.join().map_err(|_| Error::internal("the thread that follows panicked"))
    }
}

fn run(stores: &Stores, link: Option<(Arc<Link>, Gone)>) {
    let mut thread = Following { stores, text: None, connection: None, reported: (Instant::now(), Seq(0)) };
    while !stores.progress.is_closing() {
        let stays = match &link {
            Some((link, gone)) => thread.attend(link, gone),
            None => {
                stores.progress.wait(LOOK, || false);
                true
            }
        };
        if !stays {
            return;
        }
        if let Err(error) = thread.step() {
            stores.background_error.store(Some(Arc::new(error.to_string())));
            stores.progress.wait(RETRY, || false);
        }
    }
}

struct Following<'s> {
    stores: &'s Stores,
    /// When the list of the text index's files was written that is loaded.
    text: Option<SystemTime>,
    connection: Option<Connection>,
    /// When it was last said how far this process is, and what.
    reported: (Instant, Seq),
}

impl Following<'_> {
    /// Waits a moment, connected with the process that writes. False when this process is that one now.
    fn attend(&mut self, link: &Link, gone: &Gone) -> bool {
        if let Some(connection) = self.connection.take() {
            if connection.wait(LOOK) && self.report(&connection).is_ok() {
                hand_on_impressions(self.stores, link);
                self.connection = Some(connection);
            }
            return true;
        }
        match link.connect() {
            Ok(Some(connection)) => {
                self.reported = (Instant::now(), Seq(0));
                self.connection = Some(connection);
            }
            Ok(None) if gone() => return false,
            _ => {
                self.stores.progress.wait(LOOK, || false);
            }
        }
        true
    }

    fn report(&mut self, connection: &Connection) -> std::io::Result<()> {
        let (when, what) = self.reported;
        let at = self.position();
        let due = if at == what { REPORT } else { REPORT_NEW };
        if when.elapsed() < due && what > Seq(0) {
            return Ok(());
        }
        self.reported = (Instant::now(), at);
        connection.report(at)
    }

    /// The commit that every index of this process holds.
    fn position(&self) -> Seq {
        let spaces = self.stores.open_spaces().unwrap_or_default();
        let graphs = spaces.iter().map(|(_, _, space)| space.applied());
        let at = self.stores.position().unwrap_or_default();
        graphs.chain([self.stores.text.view().applied()]).fold(at, Seq::min)
    }

    fn step(&mut self) -> Result<()> {
        let stores = self.stores;
        let seq = stores.read()?.counters().seq;
        let written = list_written(&stores.path);
        if written != self.text {
            stores.text.reload(&stores.store_id)?;
            self.text = written;
        }
        let mut applied = stores.text.view().applied();
        for (number, _, space) in stores.open_spaces()? {
            if space.deleted_share() > MAX_DELETED {
                follow_log::rebuild_vectors(stores, number, &space)?;
            }
            if space.applied() < seq {
                follow_log::catch_up_vectors(stores, number, &space)?;
            }
            applied = applied.min(space.applied());
        }
        stores.recent.trim(applied);
        Ok(())
    }
}

/// When the text index's list of files was written.
fn list_written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path.join("text/meta.json")).and_then(|meta| meta.modified()).ok()
}

/// Hands the impressions that wait to the process that writes. Those that it does not take are counted as dropped.
pub(crate) fn hand_on_impressions(stores: &Stores, link: &Link) {
    while !stores.impressions.is_empty() {
        let shown = stores.impressions.take(IMPRESSIONS);
        let sent = encode(&shown).map(|body| link.call(KEEP_IMPRESSIONS, &body));
        if !matches!(sent, Ok(Outcome::Answer(_))) {
            stores.impressions.lose(shown.len());
            return;
        }
    }
}
