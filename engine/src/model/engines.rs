//! TensorRT's engine cache: one folder for each model, ONNX Runtime and set of options.
//!
//! TensorRT names its files after the graph's name and the kind of GPU, and uses whatever it finds: an engine of another
//! model of that name would answer instead. So everything else is in the folder's name. The folder holds code for the GPU, so
//! no other user may write there. Of the unused folders only the newest are kept.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::model::discover::trusted;
use crate::model::fault::Fault;
use crate::model::files::sha256;

/// Unused folders that are kept.
const MAX_UNUSED: usize = 4;
/// Locked by every process that uses the folder.
const USED: &str = "USED";
/// Locked by the process that builds.
const BUILDING: &str = "BUILDING";
/// How long to wait for another process that builds the same engine. A build takes minutes.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How often a folder is created again after another process removed it.
const ATTEMPTS: usize = 8;
/// Prefix of a folder that is being removed, or was when its process died. The process id and a counter follow.
const REMOVED: &str = "removed-";
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Letters of a folder's name: SHA-256 of the model, a dash, and the start of that of the rest.
const MODEL_LETTERS: usize = 64;
const REST_LETTERS: usize = 16;

/// A folder that is in use until this is dropped.
#[derive(Debug)]
pub(super) struct EngineFolder {
    path: PathBuf,
    used: File,
}

/// Keeps other processes from building the same engine until it is dropped.
#[derive(Debug)]
pub(super) struct Building(File);

impl Drop for EngineFolder {
    /// Unlocks explicitly: a child process that is being forked holds the same open file.
    fn drop(&mut self) {
        let _ = self.used.unlock();
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The folder's name for the SHA-256 of a model's ONNX file and whatever else an engine depends on.
pub(super) fn name(model: &str, rest: &[&str]) -> String {
    let rest = sha256(rest.join("\n").as_bytes());
    format!("{model}-{}", rest.get(..REST_LETTERS).unwrap_or(&rest))
}

impl EngineFolder {
    /// Makes the folder, or takes the one that is there, and removes old ones beside it.
    ///
    /// # Errors
    /// A folder that cannot be made or written, or that others may write to.
    pub(super) fn take(parent: &Path, name: &str) -> Result<EngineFolder, Fault> {
        let failed = |what: &str, path: &Path, error: std::io::Error| {
            fault(format!("{} that cannot be {what}: {error}", path.display()))
        };
        // A process may change its working directory, and TensorRT writes later.
        let parent = &std::path::absolute(parent).map_err(|error| failed("named", parent, error))?;
        make(parent).map_err(|error| failed("made", parent, error))?;
        let path = parent.join(name);
        for _ in 0..ATTEMPTS {
            match make(&path) {
                // It was there, and was removed before it was looked at.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && !path.is_file() => continue,
                made => made.map_err(|error| failed("made", &path, error))?,
            }
            if !trusted(&path).map_err(fault)? {
                continue;
            }
            let used = match lock_file(&path.join(USED)) {
                Ok(used) => used,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed("written", &path, error)),
            };
            used.lock_shared().map_err(|error| failed("locked", &path, error))?;
            let folder = EngineFolder { path: path.clone(), used };
            // Another process that tidies up may have removed it before it was locked.
            if folder.is_there() {
                // The time orders folders by last use; a wrong one costs a build at most.
                let _ = folder.used.set_modified(SystemTime::now());
                tidy(parent, name);
                return Ok(folder);
            }
        }
        Err(fault(format!("{} that others remove all the time", path.display())))
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until no other process builds here.
    ///
    /// # Errors
    /// Another process that does not finish in time.
    pub(super) fn building(&self) -> Result<Building, Fault> {
        self.building_within(PATIENCE)
    }

    fn building_within(&self, patience: Duration) -> Result<Building, Fault> {
        let path = self.path.join(BUILDING);
        let file = lock_file(&path).map_err(|error| fault(format!("{}: {error}", path.display())))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Building(file)),
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => std::thread::sleep(LOOK_AGAIN),
                Err(error) => {
                    return Err(fault(format!(
                        "another process that has been building in {}: {error}",
                        path.display()
                    )));
                }
            }
        }
    }

    /// Whether the locked file is still the one under its name.
    fn is_there(&self) -> bool {
        is_in(&self.used, &self.path)
    }
}

/// Whether an open file is the folder's `USED` file.
fn is_in(used: &File, folder: &Path) -> bool {
    let (named, ours) = (std::fs::metadata(folder.join(USED)), used.metadata());
    matches!((named, ours), (Ok(named), Ok(ours)) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()))
}

fn fault(found: String) -> Fault {
    Fault::new("a folder of this user's own for TensorRT's engines", found, "Set Config::engine_cache to one")
}

/// For its owner alone; one that is there is left as it is.
fn make(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn lock_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Removes the folders that were not used for longest, beyond those that stay. What cannot be removed stays as well: the
/// folder is a cache, and tidying it is no reason to fail.
fn tidy(parent: &Path, own: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    let (left, entries): (Vec<_>, Vec<_>) =
        entries.flatten().partition(|entry| entry.file_name().to_string_lossy().starts_with(REMOVED));
    for entry in left {
        let _ = std::fs::remove_dir_all(entry.path());
    }
    let mut others: Vec<(SystemTime, PathBuf)> = entries
        .into_iter()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name != own && is_ours(name)))
        .map(|entry| (last_used(&entry.path()), entry.path()))
        .collect();
    others.sort_unstable_by(|a, b| b.cmp(a));
    for (_, path) in others.into_iter().skip(MAX_UNUSED) {
        // Opened, not created: a folder without the file is being created by another process.
        let Ok(used) = OpenOptions::new().read(true).write(true).open(path.join(USED)) else {
            continue;
        };
        // IMPORTANT: locked, then checked, then renamed. Only the holder of the lock on the file in place may remove the
        // folder; and under another name no process creates files in it meanwhile.
        if used.try_lock().is_ok() && is_in(&used, &path) {
            let away =
                parent.join(format!("{REMOVED}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            if std::fs::rename(&path, &away).is_ok() {
                let _ = std::fs::remove_dir_all(&away);
            }
        }
    }
}

fn last_used(folder: &Path) -> SystemTime {
    std::fs::metadata(folder.join(USED)).and_then(|meta| meta.modified()).unwrap_or_else(|_| SystemTime::now())
}

/// Whether a name is one that [`name`] makes; nothing else beside them is ever touched.
fn is_ours(name: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    name.split_once('-').is_some_and(|(model, rest)| {
        model.len() == MODEL_LETTERS && rest.len() == REST_LETTERS && hex(model) && hex(rest)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key(number: u8) -> String {
        name(&format!("{number:02x}").repeat(32), &["1.28", "fp16"])
    }

    fn age(folder: &Path, seconds: u64) {
        let used = File::options().write(true).open(folder.join(USED)).unwrap();
        used.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn a_name_says_the_model_and_everything_else() {
        let model = "ab".repeat(32);
        let names = [name(&model, &["1.28", "fp16"]), name(&model, &["1.27", "fp16"]), name(&model, &["1.28", "fp32"])];
        assert!(names.iter().all(|name| name.starts_with(&model) && is_ours(name)));
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
        assert!(names[0] != key(1));
        for other in ["mine", "", &model, &format!("{model}-"), &format!("{model}-../../../../etc"), &"AB".repeat(40)] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone_and_kept() {
        let parent = tempfile::tempdir().unwrap();
        let deep = parent.path().join("store/engines");
        let folder = EngineFolder::take(&deep, &key(1)).unwrap();
        for made in [&deep, folder.path()] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::write(folder.path().join("a.engine"), b"built").unwrap();
        let path = folder.path().to_owned();
        drop(folder);
        let again = EngineFolder::take(&deep, &key(1)).unwrap();
        assert_eq!(std::fs::read(again.path().join("a.engine")).unwrap(), b"built");
        assert_eq!(again.path(), path);
    }

    #[test]
    fn old_folders_go_and_those_in_use_stay() {
        let parent = tempfile::tempdir().unwrap();
        let take = |number: u8| EngineFolder::take(parent.path(), &key(number)).unwrap();
        let in_use = take(1);
        age(in_use.path(), 9_000_000);
        for number in 2..=8 {
            age(take(number).path(), 1_000 - u64::from(number));
        }
        std::fs::create_dir(parent.path().join("a user's own")).unwrap();
        std::fs::create_dir_all(parent.path().join("removed-1-1/half")).unwrap();
        drop(take(9));
        let there = |number: u8| parent.path().join(key(number)).exists();
        let stay: Vec<u8> = (1..=9).filter(|number| there(*number)).collect();
        assert_eq!(stay, [1, 5, 6, 7, 8, 9], "the one in use, the four newest, and the one just made");
        assert!(in_use.is_there() && parent.path().join("a user's own").exists());
        assert!(!parent.path().join("removed-1-1").exists(), "what another process could not finish");
    }

    #[test]
    fn one_builds_and_the_others_wait() {
        let parent = tempfile::tempdir().unwrap();
        let folders = [0, 1].map(|_| EngineFolder::take(parent.path(), &key(1)).unwrap());
        let building = folders[0].building().unwrap();
        let late = folders[1].building_within(Duration::ZERO).unwrap_err();
        assert!(late.found.contains("another process"), "{late}");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| folders[1].building().map(drop));
            std::thread::sleep(LOOK_AGAIN);
            drop(building);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn many_at_once_share_a_folder_while_others_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8u8 {
                let parent = parent.path();
                scope.spawn(move || {
                    for round in 0..20u8 {
                        let folder =
                            EngineFolder::take(parent, &key(thread.wrapping_mul(31).wrapping_add(round) % 12)).unwrap();
                        std::fs::write(folder.path().join("a.engine"), b"built").unwrap();
                        assert!(folder.is_there());
                    }
                });
            }
        });
    }

    #[test]
    fn folders_that_are_not_ours_alone_are_refused() {
        let parent = tempfile::tempdir().unwrap();
        let open = parent.path().join(key(1));
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        let refused = EngineFolder::take(parent.path(), &key(1)).unwrap_err();
        assert!(refused.found.contains("not trusted") && refused.advice.contains("engine_cache"), "{refused}");
        let file = parent.path().join("file");
        std::fs::write(&file, b"").unwrap();
        assert!(EngineFolder::take(&file, &key(1)).unwrap_err().found.contains("cannot be made"));
    }
}
