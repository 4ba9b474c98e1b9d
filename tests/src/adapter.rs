//! Writes adapter files as `onnxruntime.AdapterFormat` does: a flatbuffer of named tensors, and the description beside it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::trained::{lora_params, sha256};

/// One tensor: its name, its shape and its values.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

/// Tensors that fit `Trained`, with small values that depend on the seed.
pub fn tensors(width: usize, seed: u64) -> Vec<Tensor> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * 0.3
    };
    let fill = |(name, shape): (String, Vec<usize>)| {
        let values = (0..shape.iter().product()).map(|_| next()).collect();
        (name, shape, values)
    };
    lora_params(width).into_iter().map(fill).collect()
}

/// Writes `adapter.onnx_adapter` and `adapter.json` into the folder `name` of `parent`; the answer is that folder.
///
/// # Errors
/// Those of the file system.
pub fn write(parent: &Path, name: &str, base: &str, tensors: &[Tensor]) -> std::io::Result<PathBuf> {
    let (folder, bytes) = (parent.join(name), encode(tensors));
    let description = json!({ "format": 1, "model": { "sha256": base }, "sha256": sha256(&bytes) });
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("adapter.json"), description.to_string())?;
    std::fs::write(folder.join("adapter.onnx_adapter"), bytes)?;
    Ok(folder)
}

/// The flatbuffer: what refers comes before what it refers to, as offsets lead forward; numbers stand aligned.
pub fn encode(tensors: &[Tensor]) -> Vec<u8> {
    let mut out = Vec::new();
    word(&mut out, 20);
    out.extend(b"TORT");
    // The fields of both tables lie alike: four of four bytes each, behind the offset of the vtable.
    let vtable = [12u16, 20, 4, 8, 12, 16];
    let adapter = out.len();
    vtable.iter().for_each(|entry| out.extend(entry.to_le_bytes()));
    let table = out.len();
    word(&mut out, (table - adapter) as u32);
    [1, 1, 1].iter().for_each(|version| word(&mut out, *version));
    let list = out.len();
    word(&mut out, 4);
    word(&mut out, tensors.len() as u32);
    assert_eq!(list + 8, out.len());
    let places = out.len();
    tensors.iter().for_each(|_| word(&mut out, 0));
    for (number, (name, shape, values)) in tensors.iter().enumerate() {
        align(&mut out, 4, 0);
        let vtable_at = out.len();
        vtable.iter().for_each(|entry| out.extend(entry.to_le_bytes()));
        let table = out.len();
        point(&mut out, places + 4 * number, table);
        word(&mut out, (table - vtable_at) as u32);
        let fields = out.len();
        [0, 0, 1, 0].iter().for_each(|field| word(&mut out, *field));
        let at = out.len();
        point(&mut out, fields, at);
        word(&mut out, name.len() as u32);
        out.extend(name.as_bytes());
        out.push(0);
        align(&mut out, 8, 4);
        let at = out.len();
        point(&mut out, fields + 4, at);
        word(&mut out, shape.len() as u32);
        shape.iter().for_each(|size| out.extend((*size as i64).to_le_bytes()));
        align(&mut out, 8, 4);
        let at = out.len();
        point(&mut out, fields + 12, at);
        word(&mut out, values.len() as u32 * 4);
        values.iter().for_each(|value| out.extend(value.to_le_bytes()));
    }
    align(&mut out, 4, 0);
    out
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

/// Fills up until the length is `rest` beyond a multiple of `to`.
fn align(out: &mut Vec<u8>, to: usize, rest: usize) {
    while out.len() % to != rest {
        out.push(0);
    }
}

/// Writes the offset at `from` that leads to `to`.
fn point(out: &mut [u8], from: usize, to: usize) {
    out[from..from + 4].copy_from_slice(&((to - from) as u32).to_le_bytes());
}
