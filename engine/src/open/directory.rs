//! The directory itself: made when it is missing, refused when it is something else.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::entries;
use crate::base::error::{Error, Result};

/// Magic numbers of network file systems (statfs(2)): memory maps and locks do not hold there.
const NETWORK: [(u64, &str); 4] = [(0x6969, "NFS"), (0x517B, "SMB"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2")];

/// Creates the directory for its owner alone, or checks that what is there can be ours.
pub(super) fn prepare(path: &Path, force_network_fs: bool) -> Result<()> {
    let not_ours = |found: &str| Error::NotADatabase { path: path.to_owned(), found: found.to_owned() };
    match fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| Error::io("create", path, e))?;
        }
        Err(e) => return Err(Error::io("look at", path, e)),
        Ok(meta) if !meta.is_dir() => return Err(not_ours("a file")),
        Ok(meta) if meta.mode() & 0o002 != 0 => {
            return Err(not_ours("a directory that all users may write to; remove that right (chmod o-w)"));
        }
        Ok(_) => {}
    }
    if fs::symlink_metadata(path.join("FORMAT")).is_err() {
        let entries = fs::read_dir(path).map_err(|e| Error::io("list", path, e))?;
        for entry in entries {
            let name = entry.map_err(|e| Error::io("list", path, e))?.file_name();
            if !entries::is_ours(&name) {
                return Err(not_ours(&format!("a directory with other files, such as {}", name.display())));
            }
        }
    }
    entries::check(path)?;
    refuse_network(path, force_network_fs)
}

fn refuse_network(path: &Path, forced: bool) -> Result<()> {
    let stat = rustix::fs::statfs(path).map_err(|e| Error::io("look at the file system of", path, e.into()))?;
    let magic = (stat.f_type as u64) & 0xFFFF_FFFF;
    match NETWORK.iter().find(|(number, _)| *number == magic) {
        Some((_, name)) if !forced => Err(Error::NotADatabase {
            path: path.to_owned(),
            found: format!(
                "a directory on {name}, where locks and memory maps do not hold; \
                            use a local disk, or set Config::force_network_fs"
            ),
        }),
        _ => Ok(()),
    }
}
