//! The socket file in the directory. Nothing but file permissions and the lock of the directory is needed: no port, no server.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;

/// Its name.
pub(super) const NAME: &str = "writer.sock";
/// Longest path that is used as it is: the system's limit is 107 bytes.
const LONGEST_PATH: usize = 100;

/// A path to the socket that the system takes, and the folder that it leads through.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    fn of(dir: &Path) -> io::Result<Address> {
        let path = dir.join(NAME);
        if path.as_os_str().len() <= LONGEST_PATH {
            return Ok(Address { path, _folder: None });
        }
        let flags = (rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY).bits();
        let folder = File::options().read(true).custom_flags(flags as i32).open(dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()));
        Ok(Address { path, _folder: Some(folder) })
    }
}

/// Makes the socket, in place of one that a dead process has left. IMPORTANT: the caller holds the lock of the directory.
pub(super) fn bind(dir: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(dir.join(NAME)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let address = Address::of(dir)?;
    let listener = UnixListener::bind(&address.path)?;
    fs::set_permissions(dir.join(NAME), Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Connects to the process that writes. `None`: there is none that listens.
pub(super) fn connect(dir: &Path) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect(Address::of(dir)?.path) {
        Ok(stream) => Ok(Some(stream)),
        Err(e) if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&e.kind()) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether the file is there.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.join(NAME).exists()
}

/// Removes the socket.
pub(super) fn remove(dir: &Path) {
    // A file that stays is replaced by the next process that writes.
    let _ = fs::remove_file(dir.join(NAME));
}

/// Whether the process at the other end may be answered: it is the same user's, or root's.
pub(super) fn is_trusted(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid.is_root() || peer.uid == rustix::process::geteuid())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_socket_is_reached_by_short_and_long_paths_and_replaces_a_dead_one() {
        let folder = tempfile::tempdir().expect("makes");
        let long = folder.path().join("x".repeat(120)).join("y".repeat(120));
        fs::create_dir_all(&long).expect("makes");
        for dir in [folder.path(), &long] {
            assert!(connect(dir).expect("asks").is_none(), "nobody listens");
            drop(bind(dir).expect("binds"));
            assert!(connect(dir).expect("asks").is_none(), "a dead socket");
            let listener = bind(dir).expect("binds again");
            let mode = fs::metadata(dir.join(NAME)).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let mut ours = connect(dir).expect("connects").expect("listens");
            let (mut theirs, _) = listener.accept().expect("accepts");
            assert!(is_trusted(&ours) && is_trusted(&theirs));
            theirs.write_all(b"x").expect("writes");
            assert_eq!(ours.read(&mut [0; 4]).expect("reads"), 1);
            remove(dir);
            assert!(connect(dir).expect("asks").is_none());
        }
    }
}
