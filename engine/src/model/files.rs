//! Reading a model's files, bounded, from a folder or from the library itself.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::base::error::{Error, Result};
use crate::model::manifest::{self, Manifest, Refusal};
use crate::model::manifest_checks::parse;

/// Largest ONNX file, in bytes.
const MAX_ONNX: u64 = 512 << 20;
/// Largest tokenizer, in bytes.
const MAX_TOKENIZER: u64 = 64 << 20;
const MANIFEST: &str = "manifest.json";
const SHIPPED_MANIFEST: &[u8] = include_bytes!("../../model/manifest.json");

/// A model's files in memory. What is hashed is what is loaded, and what is kept: no file is read twice.
pub(crate) struct Files {
    /// The folder, or a name for the shipped model; errors name it.
    pub(super) path: PathBuf,
    /// The parsed manifest.
    pub(super) manifest: Manifest,
    /// The manifest as it was read.
    manifest_json: Cow<'static, [u8]>,
    /// The graph.
    pub(super) onnx: Cow<'static, [u8]>,
    /// The tokenizer.
    pub(super) tokenizer: Cow<'static, [u8]>,
}

impl Files {
    /// Reads the model of a folder, or the one that ships with the engine, and checks hashes.
    ///
    /// # Errors
    /// [`Error::ModelRefused`].
    pub(crate) fn read(folder: Option<&Path>) -> Result<Files> {
        let path = named(folder);
        match folder {
            Some(folder) => from_folder(folder),
            None => shipped(&path),
        }
        .map_err(refused(&path))
    }

    /// SHA-256 of the manifest, which has those of the other files in it: it names the files as a whole.
    pub(crate) fn id(&self) -> String {
        sha256(&self.manifest_json)
    }

    /// The model's name, hash and space, from the manifest.
    pub(crate) fn about(&self) -> About {
        About::new(&self.manifest)
    }

    /// Names and bytes of the files, as [`Files::read`] finds them in a folder.
    pub(crate) fn contents(&self) -> [(&str, &[u8]); 3] {
        [
            (MANIFEST, &self.manifest_json),
            (&self.manifest.onnx, &self.onnx),
            (&self.manifest.tokenizer.file, &self.tokenizer),
        ]
    }

    /// The error that refuses these files.
    pub(crate) fn refuse(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        refused(&self.path)((expected.into(), found.into()))
    }
}

/// A model's name, hash and space, from its manifest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct About {
    /// Name and version.
    pub name: String,
    /// SHA-256 of the ONNX file, in hex.
    pub sha256: String,
    /// The vector space of its item vectors.
    pub space_id: String,
}

impl About {
    fn new(manifest: &Manifest) -> About {
        About {
            name: format!("{} {}", manifest.name, manifest.version),
            sha256: manifest.sha256.clone(),
            space_id: manifest.space_id.clone(),
        }
    }

    /// Reads the manifest of a folder, or of the model that ships, and nothing else.
    ///
    /// # Errors
    /// [`Error::ModelRefused`].
    pub(crate) fn read(folder: Option<&Path>) -> Result<About> {
        let read = match folder {
            Some(folder) => bounded(&folder.join(MANIFEST), manifest::MAX_BYTES).and_then(|bytes| parse(&bytes)),
            None => parse(SHIPPED_MANIFEST),
        };
        read.map(|manifest| About::new(&manifest)).map_err(refused(&named(folder)))
    }
}

fn named(folder: Option<&Path>) -> PathBuf {
    folder.unwrap_or(Path::new("(the model inside the library)")).to_path_buf()
}

/// Turns an expectation that was not met into the error that names the model.
pub(super) fn refused(path: &Path) -> impl Fn(Refusal) -> Error {
    let path = path.to_path_buf();
    move |(expected, found)| Error::ModelRefused { path: path.clone(), expected, found }
}

fn shipped(path: &Path) -> std::result::Result<Files, Refusal> {
    let files = Files {
        path: path.to_path_buf(),
        manifest: parse(SHIPPED_MANIFEST)?,
        manifest_json: Cow::Borrowed(SHIPPED_MANIFEST),
        onnx: Cow::Borrowed(include_bytes!("../../model/base.onnx")),
        tokenizer: Cow::Borrowed(include_bytes!("../../model/tokenizer.json")),
    };
    check_hashes(files)
}

fn from_folder(folder: &Path) -> std::result::Result<Files, Refusal> {
    let manifest_json = bounded(&folder.join(MANIFEST), manifest::MAX_BYTES)?;
    let manifest = parse(&manifest_json)?;
    let files = Files {
        path: folder.to_path_buf(),
        onnx: Cow::Owned(bounded(&folder.join(&manifest.onnx), MAX_ONNX)?),
        tokenizer: Cow::Owned(bounded(&folder.join(&manifest.tokenizer.file), MAX_TOKENIZER)?),
        manifest,
        manifest_json: Cow::Owned(manifest_json),
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

pub(super) fn bounded(path: &Path, limit: u64) -> std::result::Result<Vec<u8>, Refusal> {
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
