//! Tensors that stay on the device from run to run.
//!
//! What does not change between requests (the constants of a space, the tensors of an adapter, the weights) would otherwise
//! go over the bus with each of them. Tensors are identified by their content, so no caller has to report a change: hashing a
//! space takes less time than sending it, and an adapter is small.

use std::collections::HashMap;

use ort::memory::AllocationDevice;
use ort::value::{DynValue, Tensor};
use xxhash_rust::xxh3::Xxh3;

use crate::model::defaults::InputDefault;
use crate::model::feed::{Feed, Numbers, Values};

/// Capacity of one session, in bytes: about fifty spaces.
const MAX_BYTES: usize = 64 << 20;
/// Values that are hashed at once.
const CHUNK: usize = 1024;

/// The tensors of one session.
pub(super) struct Resident {
    device: AllocationDevice<'static>,
    kept: HashMap<u128, Kept>,
    bytes: usize,
    max_bytes: usize,
    clock: u64,
}

struct Kept {
    value: DynValue,
    bytes: usize,
    last_used: u64,
}

impl Resident {
    /// Nothing yet.
    pub(super) fn new(device: AllocationDevice<'static>) -> Resident {
        Resident { device, kept: HashMap::new(), bytes: 0, max_bytes: MAX_BYTES, clock: 0 }
    }

    /// The tensor on the device, sent there if it is not.
    ///
    /// # Errors
    /// ONNX Runtime's message.
    pub(super) fn get(&mut self, feed: &Feed) -> Result<&DynValue, String> {
        self.clock += 1;
        let (key, bytes) = (key(feed), size(&feed.values));
        if !self.kept.contains_key(&key) {
            self.make_room(bytes);
            let value = send(&feed.shape, owned(feed), &self.device)?;
            self.bytes += bytes;
            self.kept.insert(key, Kept { value, bytes, last_used: self.clock });
        }
        let kept = self.kept.get_mut(&key).ok_or("a tensor that was just kept is gone")?;
        kept.last_used = self.clock;
        Ok(&kept.value)
    }

    /// Evicts the least recently used tensors. One that a run is bound to stays alive until the run ends.
    fn make_room(&mut self, bytes: usize) {
        while self.bytes + bytes > self.max_bytes {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.last_used).map(|(key, _)| *key);
            let Some(gone) = oldest.and_then(|key| self.kept.remove(&key)) else {
                return;
            };
            self.bytes -= gone.bytes;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }
}

/// The defaults on a device.
///
/// # Errors
/// ONNX Runtime's message.
pub(super) fn send_defaults(
    defaults: Vec<InputDefault>,
    device: &AllocationDevice<'static>,
) -> Result<Vec<(String, DynValue)>, String> {
    let send = |default: InputDefault| Ok((default.name, send(&default.shape, default.numbers, device)?));
    defaults.into_iter().map(send).collect()
}

/// A tensor in host memory that owns its values, so that a binding can hold on to it.
pub(super) fn in_host_memory(shape: &[usize], numbers: Numbers) -> ort::Result<DynValue> {
    Ok(match numbers {
        Numbers::F32(values) => Tensor::from_array((shape, values))?.into_dyn(),
        Numbers::I64(values) => Tensor::from_array((shape, values))?.into_dyn(),
    })
}

fn send(shape: &[usize], numbers: Numbers, device: &AllocationDevice<'static>) -> Result<DynValue, String> {
    let sent = match numbers {
        Numbers::F32(values) => {
            Tensor::from_array((shape, values)).and_then(|tensor| Ok(tensor.to(device.clone(), 0)?.into_dyn()))
        }
        Numbers::I64(values) => {
            Tensor::from_array((shape, values)).and_then(|tensor| Ok(tensor.to(device.clone(), 0)?.into_dyn()))
        }
    };
    sent.map_err(|error| error.to_string())
}

fn owned(feed: &Feed) -> Numbers {
    match feed.values {
        Values::F32(values) => Numbers::F32(values.to_vec()),
        Values::I64(values) => Numbers::I64(values.to_vec()),
    }
}

fn size(values: &Values) -> usize {
    match values {
        Values::F32(values) => values.len() * 4,
        Values::I64(values) => values.len() * 8,
    }
}

/// 128 bits of name, shape and values: two tensors with one key do not happen.
fn key(feed: &Feed) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(feed.name.as_bytes());
    for size in &feed.shape {
        hash.update(&size.to_le_bytes());
    }
    match feed.values {
        Values::F32(values) => {
            let mut bytes = [[0u8; 4]; CHUNK];
            for chunk in values.chunks(CHUNK) {
                bytes.iter_mut().zip(chunk).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
                hash.update(bytes.as_flattened().get(..chunk.len() * 4).unwrap_or_default());
            }
        }
        Values::I64(values) => values.iter().for_each(|value| hash.update(&value.to_le_bytes())),
    }
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::shipped;

    #[test]
    fn equal_values_are_sent_once_and_the_oldest_go_first() {
        // ONNX Runtime has to be loaded before a tensor is made.
        shipped();
        let mut resident = Resident::new(AllocationDevice::CPU);
        resident.max_bytes = 3 * 8;
        let get = |resident: &mut Resident, name: &'static str, values: [f32; 2]| {
            let feed = Feed::f32(name, &[2], &values);
            let value = resident.get(&feed).unwrap().try_extract_tensor::<f32>().unwrap();
            assert_eq!((value.0.to_vec(), value.1), (vec![2], &values[..]));
            resident.len()
        };
        assert_eq!(get(&mut resident, "a", [1.0, 2.0]), 1);
        assert_eq!(get(&mut resident, "a", [1.0, 2.0]), 1);
        assert_eq!(get(&mut resident, "a", [1.0, 3.0]), 2);
        assert_eq!(get(&mut resident, "b", [1.0, 2.0]), 3);
        assert_eq!(get(&mut resident, "a", [1.0, 2.0]), 3);
        assert_eq!(get(&mut resident, "b", [7.0, 7.0]), 3);
        let first = |values: [f32; 2]| key(&Feed::f32("a", &[2], &values));
        assert!(resident.kept.contains_key(&first([1.0, 2.0])) && !resident.kept.contains_key(&first([1.0, 3.0])));
        // One that is larger than everything is kept alone.
        let large = vec![0.5; 100];
        resident.get(&Feed::f32("c", &[100], &large)).unwrap();
        assert_eq!(resident.len(), 1);
    }

    #[test]
    fn keys_tell_names_shapes_and_values_apart() {
        let values = vec![1.0; 3000];
        let mut other = values.clone();
        other[2999] = 2.0;
        let keys = [
            key(&Feed::f32("a", &[3000], &values)),
            key(&Feed::f32("b", &[3000], &values)),
            key(&Feed::f32("a", &[30, 100], &values)),
            key(&Feed::f32("a", &[3000], &other)),
        ];
        assert!(keys.iter().enumerate().all(|(at, one)| keys.iter().skip(at + 1).all(|two| one != two)));
        assert_eq!(keys[0], key(&Feed::f32("a", &[3000], &values.clone())));
    }
}
