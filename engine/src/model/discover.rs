//! Where the shared library of ONNX Runtime may lie.
//!
//! A place that the caller names (the configuration, then `ORT_DYLIB_PATH`) is the only one that is tried: a wrong path
//! should be an error, not another library. Otherwise the Python packages of the active environments are looked
//! through, then the system's library folders. Every candidate is an absolute path, because a bare name lets the loader
//! search places of its own.

use std::path::{Path, PathBuf};

/// First minor version whose official builds send usage data from inside the library.
const FIRST_WITH_TELEMETRY: u32 = 29;

/// A file to try, or why a place holds none.
pub(super) type Candidate = Result<PathBuf, String>;

/// Everything to try, in order.
pub(super) fn candidates(configured: Option<&Path>) -> Vec<Candidate> {
    if let Some(path) = configured {
        return named(path, "Config::onnxruntime");
    }
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return named(Path::new(&path), "ORT_DYLIB_PATH");
    }
    let mut found = Vec::new();
    for packages in python_packages(&mut found) {
        found.extend(libraries(&packages.join("onnxruntime/capi")).into_iter().map(discovered));
    }
    for folder in system_folders() {
        found.extend(libraries(&folder).into_iter().map(discovered));
    }
    found
}

/// The configured file, or the libraries in the configured folder.
fn named(path: &Path, by: &str) -> Vec<Candidate> {
    let Ok(path) = std::path::absolute(path) else {
        return vec![Err(format!("{by}: {} is no path", path.display()))];
    };
    if !path.is_dir() {
        return vec![Ok(path)];
    }
    // The folder of the Python package, or of its shared libraries.
    let inside = [path.clone(), path.join("capi"), path.join("onnxruntime/capi"), path.join("lib")];
    let files: Vec<Candidate> = inside.iter().flat_map(|folder| libraries(folder)).map(Ok).collect();
    if files.is_empty() {
        return vec![Err(format!("{by}: no {}* in {}", library_name(), path.display()))];
    }
    files
}

/// A library that the configuration does not name: refused when its version sends usage data, unless that is switched off.
///
/// The switch is an environment variable, and setting one from here would race with `getenv` in other threads of the
/// host (which is why `std::env::set_var` is unsafe), so the user who starts the process has to set it.
fn discovered(path: PathBuf) -> Candidate {
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    let minor = real
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.split(".so.1.").nth(1))
        .and_then(|rest| rest.split('.').next())
        .and_then(|minor| minor.parse::<u32>().ok());
    let switched_off = std::env::var("ORT_DISABLE_TELEMETRY").is_ok_and(|value| value == "1");
    match minor {
        Some(minor) if minor >= FIRST_WITH_TELEMETRY && !switched_off => Err(format!(
            "{}: version 1.{minor} sends usage data; set ORT_DISABLE_TELEMETRY=1, or name the file in Config::onnxruntime",
            real.display()
        )),
        _ => Ok(path),
    }
}

fn library_name() -> &'static str {
    if cfg!(target_os = "macos") { "libonnxruntime" } else { "libonnxruntime.so" }
}

/// Libraries in one folder, newest name first, those of providers left out.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(library_name()) && !name.contains("providers")
        })
        .map(|entry| entry.path())
        .collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    files
}

/// `site-packages` folders: of the active environment, beside the program, of the interpreter that is running, of
/// `PYTHONPATH`, and of a `.venv` in the working directory.
fn python_packages(refused: &mut Vec<Candidate>) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> =
        ["VIRTUAL_ENV", "CONDA_PREFIX"].iter().filter_map(std::env::var_os).map(PathBuf::from).collect();
    if let Some(folder) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        roots.push(folder.join(".venv"));
        if let Some(prefix) = folder.parent() {
            roots.push(prefix.join(".venv"));
            roots.push(prefix.to_path_buf());
        }
    }
    if let Ok(folder) = std::env::current_dir().map(|folder| folder.join(".venv")) {
        match trusted(&folder) {
            Ok(true) => roots.push(folder),
            Ok(false) => {}
            Err(reason) => refused.push(Err(reason)),
        }
    }
    let paths = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let mut packages: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    packages.extend(roots.iter().filter(|root| root.is_absolute()).flat_map(|root| site_packages(root)));
    packages.retain(|folder| folder.is_absolute());
    packages
}

/// Whether a folder exists that only this user or root could have filled. Code is loaded from it, and the working
/// directory may belong to another user.
pub(super) fn trusted(folder: &Path) -> Result<bool, String> {
    use std::os::unix::fs::MetadataExt;
    let Ok(meta) = std::fs::metadata(folder) else {
        return Ok(false);
    };
    let owner_is_known = meta.uid() == 0 || meta.uid() == rustix::process::geteuid().as_raw();
    if owner_is_known && meta.mode() & 0o002 == 0 {
        return Ok(true);
    }
    Err(format!("{}: owned by another user or writable by all users, so not trusted", folder.display()))
}

fn site_packages(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64"] {
        let Ok(entries) = std::fs::read_dir(root.join(lib)) else {
            continue;
        };
        let pythons = entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with("python3"));
        for python in pythons {
            found.push(python.path().join("site-packages"));
            found.push(python.path().join("dist-packages"));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn system_folders() -> Vec<PathBuf> {
    let listed = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&listed).filter(|folder| folder.is_absolute()).collect();
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    folders.extend(["/usr/local/lib", "/usr/local/lib64", &multiarch, "/usr/lib64", "/usr/lib"].map(PathBuf::from));
    if cfg!(target_os = "macos") {
        folders.push(PathBuf::from("/opt/homebrew/lib"));
    }
    folders
}
