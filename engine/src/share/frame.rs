//! Frames on the socket: a kind, a length, and so many bytes.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::error::{Error, Result};

/// Most bytes of a frame. A batch of a million items may be large; memory is taken as bytes arrive.
const MOST_BYTES: u32 = 1 << 30;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// From the one that connects: who it is. Back: who is there.
    Hello = 1,
    /// What is to be done.
    Order = 2,
    /// How far a follower is. No answer.
    Position = 3,
    /// The order is being worked on.
    Working = 4,
    /// The answer to an order.
    Answer = 5,
    /// An error in place of it.
    Refusal = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        let all = [Kind::Hello, Kind::Order, Kind::Position, Kind::Working, Kind::Answer, Kind::Refusal];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Writes a frame.
pub(super) fn write(to: &mut impl Write, kind: Kind, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "too long for one frame"))?;
    let mut head = [kind as u8, 0, 0, 0, 0];
    head[1..].copy_from_slice(&length.to_le_bytes());
    // In one piece where it is short: the other side is woken once.
    if body.len() <= 1 << 16 {
        return to.write_all(&[&head, body].concat());
    }
    to.write_all(&head)?;
    to.write_all(body)
}

/// Reads a frame. The end of the stream is an error: a frame is awaited.
pub(super) fn read(from: &mut impl Read) -> io::Result<(Kind, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = u32::from_le_bytes(length);
    let kind = Kind::of(kind).filter(|_| length <= MOST_BYTES);
    let kind = kind.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a frame"))?;
    let mut body = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() == length as usize { Ok((kind, body)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<{ MOST_BYTES as usize }>()
}

/// The bytes of a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, config()).map_err(|e| Error::internal(format!("cannot encode an order: {e}")))
}

/// The value of bytes.
///
/// # Errors
/// [`Error::Internal`] for bytes that are none, or are followed by more.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let wrong = |found: String| Error::internal(format!("an order that cannot be read: {found}"));
    let (value, used) = bincode::serde::decode_from_slice(bytes, config()).map_err(|e| wrong(e.to_string()))?;
    if used == bytes.len() { Ok(value) } else { Err(wrong(format!("{} bytes too many", bytes.len() - used))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_come_back_and_half_of_one_is_an_error() {
        for body in [Vec::new(), vec![7; 3], vec![1; 70_000]] {
            let mut bytes = Vec::new();
            write(&mut bytes, Kind::Order, &body).expect("writes");
            assert_eq!(read(&mut bytes.as_slice()).expect("reads"), (Kind::Order, body));
            for cut in [0, 1, 4, bytes.len() - 1] {
                assert!(read(&mut &bytes[..cut]).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn a_length_beyond_the_limit_takes_no_memory() {
        let mut bytes = vec![Kind::Order as u8];
        bytes.extend(u32::MAX.to_le_bytes());
        assert!(read(&mut bytes.as_slice()).is_err());
        // A gigabyte is announced and three bytes come.
        let mut bytes = vec![Kind::Order as u8];
        bytes.extend(MOST_BYTES.to_le_bytes());
        bytes.extend([1, 2, 3]);
        assert_eq!(read(&mut bytes.as_slice()).expect_err("short").kind(), io::ErrorKind::UnexpectedEof);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&mut bytes.as_slice());
            let _ = decode::<(String, Vec<u64>)>(&bytes);
        }
    }
}
