//! Loading ONNX Runtime. A process loads it once for ever, so each case runs in a process of its own.

use std::path::Path;
use std::process::Command;

use crate::api::config::Config;
use crate::base::error::Error;
use crate::model::{Model, elf};

/// Set for the child: what it has to load.
const CHILD: &str = "ONELIST_TEST_RUNTIME";

/// The child's part; without the variable there is nothing to do.
#[test]
fn child_loads_what_it_is_told() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let onnxruntime = (!path.is_empty()).then(|| path.into());
    match Model::load(&Config { onnxruntime, sessions: 1, ..Config::default() }) {
        Ok(model) => println!("LOADED {}", model.stats().onnxruntime),
        Err(Error::RuntimeMissing { found }) => println!("MISSING {found}"),
        Err(other) => println!("OTHER {other}"),
    }
}

/// Runs the child. An empty path leaves the search to the engine, in the environment that is given.
fn child(path: &Path, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "model::tests::runtime::child_loads_what_it_is_told", "--nocapture"])
        .env_clear()
        .envs(environment.iter().copied())
        .env(CHILD, path)
        .output()
        .unwrap();
    assert!(output.status.success(), "the child died: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find(|line| line.contains("LOADED") || line.contains("MISSING") || line.contains("OTHER"))
        .unwrap()
        .to_owned()
}

/// The library that the other tests run with.
fn library() -> std::path::PathBuf {
    super::shipped().stats().onnxruntime.into()
}

#[test]
fn a_missing_runtime_says_where_it_was_looked_for() {
    let said = child(Path::new("/nonexistent/libonnxruntime.so"), &[]);
    assert!(said.contains("MISSING") && said.contains("/nonexistent/libonnxruntime.so"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    let said = child(empty.path(), &[]);
    assert!(said.contains("MISSING") && said.contains(&empty.path().display().to_string()), "{said}");
    let said = child(Path::new(""), &[("ORT_DYLIB_PATH", "/nonexistent/here.so")]);
    assert!(said.contains("MISSING") && said.contains("/nonexistent/here.so"), "{said}");
}

#[test]
fn files_that_are_no_complete_library_do_not_kill_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(library()).unwrap();
    for keep in [0, 3, 64, 4096, 1 << 20, whole.len() - 1] {
        let path = folder.path().join("libonnxruntime.so");
        std::fs::write(&path, &whole[..keep]).unwrap();
        let said = child(&path, &[]);
        assert!(said.contains("MISSING") && (said.contains("cut off") || said.contains("ELF")), "{keep}: {said}");
    }
    let other = folder.path().join("libonnxruntime.so");
    std::fs::copy(std::env::current_exe().unwrap(), &other).unwrap();
    assert!(child(&other, &[]).contains("MISSING"));
    assert_eq!(elf::check_complete(&library()), Ok(()));
}

#[test]
fn the_library_is_found_in_a_folder_and_in_a_python_environment() {
    let found = library();
    let said = child(found.parent().unwrap(), &[]);
    assert!(said.contains("LOADED"), "{said}");
    let environment = tempfile::tempdir().unwrap();
    let capi = environment.path().join("lib/python3.12/site-packages/onnxruntime/capi");
    std::fs::create_dir_all(&capi).unwrap();
    std::os::unix::fs::symlink(&found, capi.join("libonnxruntime.so.1.28.0")).unwrap();
    let root = environment.path().to_str().unwrap();
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        let said = child(Path::new(""), &[(variable, root)]);
        assert!(said.contains("LOADED") && said.contains(root), "{said}");
    }
    let packages = capi.parent().unwrap().parent().unwrap().to_str().unwrap();
    assert!(child(Path::new(""), &[("PYTHONPATH", packages)]).contains("LOADED"));
}

#[test]
fn a_version_that_sends_usage_data_is_not_taken_by_itself() {
    let environment = tempfile::tempdir().unwrap();
    let capi = environment.path().join("lib/python3.12/site-packages/onnxruntime/capi");
    std::fs::create_dir_all(&capi).unwrap();
    std::fs::copy(library(), capi.join("libonnxruntime.so.1.31.0")).unwrap();
    let root = environment.path().to_str().unwrap();
    let said = child(Path::new(""), &[("VIRTUAL_ENV", root)]);
    assert!(said.contains("MISSING") && said.contains("ORT_DISABLE_TELEMETRY"), "{said}");
    let said = child(Path::new(""), &[("VIRTUAL_ENV", root), ("ORT_DISABLE_TELEMETRY", "1")]);
    assert!(said.contains("LOADED"), "{said}");
}
