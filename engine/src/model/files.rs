//! Reading a model's files, bounded, from a folder or from the library itself.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::manifest::{self, Manifest, Refusal};

/// Largest ONNX file, in bytes.
const MAX_ONNX: u64 = 512 << 20;
/// Largest tokenizer, in bytes.
const MAX_TOKENIZER: u64 = 64 << 20;

/// A model's files in memory. What is hashed is what is loaded: no file is read twice.
pub(super) struct Files {
    /// The folder, or a name for the shipped model; errors name it.
    pub path: PathBuf,
    /// The parsed manifest.
    pub manifest: Manifest,
    /// The graph.
    pub onnx: Cow<'static, [u8]>,
    /// The tokenizer.
    pub tokenizer: Cow<'static, [u8]>,
}

/// Turns an expectation that was not met into the error that names the model.
pub(super) fn refused(path: &Path) -> impl Fn(Refusal) -> Error {
    let path = path.to_path_buf();
    move |(expected, found)| Error::ModelRefused { path: path.clone(), expected, found }
}

/// Reads the model of a folder, or the one that ships with the engine, and checks hashes.
///
/// # Errors
/// [`Error::ModelRefused`].
pub(super) fn read(folder: Option<&Path>) -> Result<Files> {
    match folder {
        Some(folder) => from_folder(folder).map_err(refused(folder)),
        None => {
            let path = PathBuf::from("(the model inside the library)");
            shipped(&path).map_err(refused(&path))
        }
    }
}

fn shipped(path: &Path) -> std::result::Result<Files, Refusal> {
    let files = Files {
        path: path.to_path_buf(),
        manifest: manifest::parse(include_bytes!("../../model/manifest.json"))?,
        onnx: Cow::Borrowed(include_bytes!("../../model/base.onnx")),
        tokenizer: Cow::Borrowed(include_bytes!("../../model/tokenizer.json")),
    };
    check_hashes(files)
}

fn from_folder(folder: &Path) -> std::result::Result<Files, Refusal> {
    let manifest = manifest::parse(&bounded(&folder.join("manifest.json"), manifest::MAX_BYTES)?)?;
    let files = Files {
        path: folder.to_path_buf(),
        onnx: Cow::Owned(bounded(&folder.join(&manifest.onnx), MAX_ONNX)?),
        tokenizer: Cow::Owned(bounded(&folder.join(&manifest.tokenizer.file), MAX_TOKENIZER)?),
        manifest,
    };
    check_hashes(files)
}

fn check_hashes(files: Files) -> std::result::Result<Files, Refusal> {
    let manifest = &files.manifest;
    let pairs = [
        (&manifest.onnx, &manifest.sha256, &files.onnx),
        (&manifest.tokenizer.file, &manifest.tokenizer.sha256, &files.tokenizer),
    ];
    for (name, expected, bytes) in pairs {
        let found = sha256(bytes);
        if found != *expected {
            return manifest::refuse(format!("{name} with sha256 {expected}"), found);
        }
    }
    Ok(files)
}

/// Lowercase hexadecimal SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bounded(path: &Path, limit: u64) -> std::result::Result<Vec<u8>, Refusal> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let failed = |error: std::io::Error| (format!("a file {name}"), error.to_string());
    let meta = std::fs::metadata(path).map_err(failed)?;
    // Opening a pipe would wait for ever.
    if !meta.is_file() {
        return manifest::refuse(format!("a file {name}"), "something that is not a file");
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return manifest::refuse(format!("a {name} of at most {limit} bytes"), format!("{} or more", meta.len()));
    }
    Ok(bytes)
}
