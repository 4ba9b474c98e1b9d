//! Whether a shared library is complete.
//!
//! A library that was cut off (a broken download, a full disk) maps fine and then kills the process with SIGBUS inside
//! the dynamic loader, which no error handling sees. Its own headers say how long it has to be, so that is read first.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: u64 = 56;
/// More program headers than this no library has.
const MAX_SEGMENTS: u64 = 512;

/// Checks that every loadable segment and the section headers of a 64-bit ELF file lie inside it.
///
/// # Errors
/// A sentence: what is wrong with the file.
pub(super) fn check_complete(path: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let meta = std::fs::metadata(path).map_err(failed)?;
    // Opening anything but a regular file could block for ever (a pipe).
    if !meta.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut header = [0u8; HEADER_BYTES];
    if file.read_exact(&mut header).is_err() || header[..4] != *b"\x7fELF" {
        return Err("is not a shared library (ELF)".to_owned());
    }
    // Class 2 is 64 bits, data 1 is little-endian: the only ones ONNX Runtime is built for here.
    if header[4] != 2 || header[5] != 1 {
        return Err("is not a 64-bit little-endian library".to_owned());
    }
    let (segments_at, sections_at) = (number(&header, 32, 8), number(&header, 40, 8));
    let (segment_size, segments) = (number(&header, 54, 2), number(&header, 56, 2));
    let sections = number(&header, 58, 2).saturating_mul(number(&header, 60, 2));
    inside(meta.len(), sections_at, sections)?;
    if segment_size != SEGMENT_BYTES || segments == 0 || segments > MAX_SEGMENTS {
        return Err("has damaged program headers".to_owned());
    }
    inside(meta.len(), segments_at, segments * SEGMENT_BYTES)?;
    file.seek(SeekFrom::Start(segments_at)).map_err(failed)?;
    for _ in 0..segments {
        let mut segment = [0u8; SEGMENT_BYTES as usize];
        file.read_exact(&mut segment).map_err(failed)?;
        // Type 1 is PT_LOAD: what the loader maps and then touches.
        if number(&segment, 0, 4) == 1 {
            inside(meta.len(), number(&segment, 8, 8), number(&segment, 32, 8))?;
        }
    }
    Ok(())
}

fn inside(file_bytes: u64, at: u64, bytes: u64) -> Result<(), String> {
    match at.checked_add(bytes) {
        Some(end) if end <= file_bytes => Ok(()),
        Some(end) => Err(format!("is cut off: expected at least {end} bytes, found {file_bytes}")),
        None => Err("has damaged headers".to_owned()),
    }
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
