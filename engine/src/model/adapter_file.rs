//! Reading ONNX Runtime's adapter files: a flatbuffer of named tensors.
//!
//! Names, types, shapes and values are read here (onnxruntime/lora/adapter_format/adapter_schema.fbs: the root is a table of format version,
//! adapter version, model version and parameters; a parameter is a table of name, dims, type and raw data). Every offset is
//! checked against the file before it is followed, and tables do not nest, so the work is bounded by the number of tensors.

use std::ops::Range;

/// The identifier behind the root's offset.
const MAGIC: &[u8] = b"TORT";
/// `TensorDataType` of 32-bit floats.
const F32: i32 = 1;
/// Most dimensions of a tensor.
const MAX_RANK: usize = 8;

/// One tensor of an adapter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Param {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, as many as the shape asks for.
    pub values: Vec<f32>,
}

/// The tensors of a file that may hold at most `max` of them.
///
/// # Errors
/// A sentence: what is malformed.
pub(super) fn params(file: &[u8], max: usize) -> Result<Vec<Param>, String> {
    let buffer = Buffer(file);
    if file.get(4..8) != Some(MAGIC) {
        return Err("no adapter file of ONNX Runtime".to_owned());
    }
    let root = Table::at(&buffer, buffer.follow(0)?)?;
    let Some(list) = root.field(&buffer, 3)? else { return Ok(Vec::new()) };
    let list = buffer.vector(list, 4)?;
    if list.len() / 4 > max {
        return Err(format!("{} tensors", list.len() / 4));
    }
    list.step_by(4).map(|at| param(&buffer, Table::at(&buffer, buffer.follow(at)?)?)).collect()
}

fn param(buffer: &Buffer<'_>, table: Table) -> Result<Param, String> {
    let field = |number| table.field(buffer, number)?.ok_or_else(|| "a tensor without all of its parts".to_owned());
    let name = buffer.slice(buffer.vector(field(0)?, 1)?)?;
    let name = std::str::from_utf8(name).map_err(|_| "a name that is not UTF-8".to_owned())?.to_owned();
    let kind = buffer.i32(field(2)?)?;
    if kind != F32 {
        return Err(format!("{name} of type {kind} instead of 32-bit floats"));
    }
    let dims = buffer.vector(field(1)?, 8)?;
    if dims.len() / 8 > MAX_RANK {
        return Err(format!("{name} with {} dimensions", dims.len() / 8));
    }
    let size = |at| usize::try_from(buffer.i64(at)?).map_err(|_| format!("{name} with a negative size"));
    let shape = dims.step_by(8).map(size).collect::<Result<Vec<usize>, String>>()?;
    let raw = buffer.slice(buffer.vector(field(3)?, 1)?)?;
    let values = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
    if values.and_then(|values| values.checked_mul(4)) != Some(raw.len()) {
        return Err(format!("{name} of shape {shape:?} with {} bytes", raw.len()));
    }
    let (words, _) = raw.as_chunks::<4>();
    Ok(Param { name, shape, values: words.iter().map(|word| f32::from_le_bytes(*word)).collect() })
}

/// The bytes of a file, read at offsets that are checked.
struct Buffer<'a>(&'a [u8]);

impl Buffer<'_> {
    fn slice(&self, range: Range<usize>) -> Result<&[u8], String> {
        self.0.get(range.clone()).ok_or_else(|| format!("an offset beyond the end, {}", range.start))
    }

    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], String> {
        let end = at.checked_add(N).ok_or("an offset that is too large")?;
        self.slice(at..end)?.try_into().map_err(|_| "a number cut off".to_owned())
    }

    fn u16(&self, at: usize) -> Result<u16, String> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn i32(&self, at: usize) -> Result<i32, String> {
        self.bytes(at).map(i32::from_le_bytes)
    }

    fn i64(&self, at: usize) -> Result<i64, String> {
        self.bytes(at).map(i64::from_le_bytes)
    }

    /// Where an offset leads, which counts from where it stands.
    fn follow(&self, at: usize) -> Result<usize, String> {
        let offset = u32::from_le_bytes(self.bytes(at)?) as usize;
        at.checked_add(offset).ok_or_else(|| "an offset that is too large".to_owned())
    }

    /// The bytes of the elements of a vector whose offset stands here.
    fn vector(&self, at: usize, element: usize) -> Result<Range<usize>, String> {
        let start = self.follow(at)?;
        let count = u32::from_le_bytes(self.bytes(start)?) as usize;
        let first = start + 4;
        let end = count.checked_mul(element).and_then(|bytes| first.checked_add(bytes));
        let range = first..end.ok_or("a length that is too large")?;
        self.slice(range.clone())?;
        Ok(range)
    }
}

/// A table: where it stands, and where its vtable does.
#[derive(Clone, Copy)]
struct Table {
    at: usize,
    vtable: usize,
    size: usize,
}

impl Table {
    fn at(buffer: &Buffer<'_>, at: usize) -> Result<Table, String> {
        let vtable = (at as i64).checked_sub(i64::from(buffer.i32(at)?)).and_then(|at| usize::try_from(at).ok());
        let vtable = vtable.ok_or("a table without a description")?;
        Ok(Table { at, vtable, size: usize::from(buffer.u16(vtable)?) })
    }

    /// Where a field stands; `None` when it has its default.
    fn field(&self, buffer: &Buffer<'_>, number: usize) -> Result<Option<usize>, String> {
        let entry = 4 + 2 * number;
        if entry + 2 > self.size {
            return Ok(None);
        }
        match buffer.u16(self.vtable + entry)? {
            0 => Ok(None),
            offset => Ok(Some(self.at + usize::from(offset))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tensors, as `onnxruntime.AdapterFormat` of version 1.28 writes them.
    const FILE: &str = "08000000544f525498ffffff010000000300000007000000040000000200000\
        05c00000004000000b8ffffff380000001c00000001000000040000000c0000000000803f0000803f0000803f02000000\
        030000000000000001000000000000000000000007000000\
        6c6f72615f6262000c0014000400080\
        00c0010000c000000440000002800000001000000040000001800000000000000\
        0000803f0000004000004040000080400000a04002000000020000000000000003000000000000000000000006000000\
        6c6f72615f610000";

    fn file() -> Vec<u8> {
        let digits: Vec<u32> = FILE.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }

    #[test]
    fn tensors_are_read_with_their_names_and_shapes() {
        let found = params(&file(), 2).unwrap();
        let named: Vec<(&str, &[usize])> = found.iter().map(|p| (p.name.as_str(), p.shape.as_slice())).collect();
        assert_eq!(named, [("lora_a", &[2, 3][..]), ("lora_bb", &[3, 1][..])]);
        assert_eq!((found[1].values.as_slice(), found[0].values[5]), (&[1.0; 3][..], 5.0));
        assert!(params(&file(), 1).is_err());
    }

    #[test]
    fn no_change_of_a_byte_leads_out_of_the_file() {
        let good = file();
        for keep in 0..good.len() {
            let _ = params(&good[..keep], 2);
        }
        for place in 0..good.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[place] = value;
                let _ = params(&bad, 2);
            }
        }
        assert!(params(b"", 2).is_err() && params(&[0xff; 64], 2).is_err());
    }
}
