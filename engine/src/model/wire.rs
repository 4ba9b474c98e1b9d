//! Reading protobuf's wire format without trusting it: lengths and counts are bounded before anything follows them.

use std::ops::Range;

/// What one field holds. Bytes are given as a range of the whole file, so that nothing is copied.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    /// A number of variable length.
    Number(u64),
    /// Text, bytes, packed numbers or a nested message.
    Bytes(Range<usize>),
    /// Four or eight bytes that no caller here needs.
    Fixed,
}

/// Walks the fields of one message.
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the message in `range` of `file`; a range beyond the file reads as an empty message.
    pub(super) fn new(file: &'a [u8], range: Range<usize>) -> Self {
        let end = range.end.min(file.len());
        Reader { file, at: range.start.min(end), end }
    }

    /// Where the next field begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next field's number and value, or `None` at the end of the message.
    ///
    /// # Errors
    /// A sentence: what is malformed, and at which byte.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field)>, String> {
        if self.at == self.end {
            return Ok(None);
        }
        let start = self.at;
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            1 => self.skip(8)?,
            2 => {
                let length = self.varint()?;
                let left = self.end - self.at;
                let length = usize::try_from(length).ok().filter(|l| *l <= left).ok_or_else(|| {
                    format!("a field at byte {start} that claims {length} bytes where {left} are left")
                })?;
                self.at += length;
                Field::Bytes(self.at - length..self.at)
            }
            5 => self.skip(4)?,
            // Groups (3 and 4) nest without a length. ONNX has none, so they only serve to confuse a reader.
            other => return Err(format!("wire type {other} at byte {start}")),
        };
        match key >> 3 {
            0 => Err(format!("field number 0 at byte {start}")),
            number => Ok(Some((number, field))),
        }
    }

    fn skip(&mut self, bytes: usize) -> Result<Field, String> {
        if self.end - self.at < bytes {
            return Err(format!("a number cut off at byte {}", self.at));
        }
        self.at += bytes;
        Ok(Field::Fixed)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            if self.at == self.end {
                return Err(format!("a number cut off at byte {start}"));
            }
            let byte = self.file[self.at];
            self.at += 1;
            // The tenth byte may hold one bit only; protobuf drops the rest, and so does this.
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(format!("a number longer than ten bytes at byte {start}"))
    }
}

/// All numbers of a packed field that may hold at most `limit` of them.
///
/// # Errors
/// As [`Reader::next`], or that there are more.
pub(super) fn packed(file: &[u8], range: Range<usize>, limit: usize) -> Result<Vec<u64>, String> {
    let mut reader = Reader::new(file, range);
    let mut numbers = Vec::new();
    while reader.at < reader.end {
        if numbers.len() == limit {
            return Err(format!("more than {limit} packed numbers"));
        }
        numbers.push(reader.varint()?);
    }
    Ok(numbers)
}

/// A number as the format writes it: seven bits to a byte, the lowest first.
pub(super) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_and_refuses_what_is_cut_off() {
        let file = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i'];
        let mut reader = Reader::new(&file, 0..file.len());
        assert_eq!(reader.next(), Ok(Some((1, Field::Number(150)))));
        assert_eq!(reader.next(), Ok(Some((2, Field::Bytes(5..7)))));
        assert_eq!(reader.next(), Ok(None));
        for bad in [&[0x12, 0x05, b'h'][..], &[0x08], &[0x08, 0x80], &[0x0b], &[0x00, 0x00], &[0x0d, 1, 2], &[0xff; 11]]
        {
            assert!(Reader::new(bad, 0..bad.len()).next().is_err(), "{bad:?}");
        }
        assert_eq!(packed(&[1, 0x80, 0x01], 0..3, 2), Ok(vec![1, 128]));
        assert!(packed(&[1, 0x80, 0x01], 0..3, 1).is_err());
    }
}
