//! Looks through the bytes of an ONNX file before ONNX Runtime does.
//!
//! ONNX Runtime follows file names (and, in old versions, memory addresses) that a tensor may carry as "external data",
//! and takes operators from any domain that a library registered. Neither has a place in a model of this engine, so a
//! file that has one is refused here, from the same bytes that were hashed and will be loaded. The walk keeps its own
//! stack: nesting costs no machine stack, and its size is bounded.

use std::ops::Range;

use super::wire::{Field, Reader, packed};

/// Deepest nesting of graphs inside attributes (`If`, `Loop`).
const MAX_DEPTH: usize = 8;
/// Most messages (nodes, attributes, tensors, graphs) of one file.
const MAX_MESSAGES: usize = 1_000_000;
/// Most dimensions of one tensor.
const MAX_RANK: usize = 16;

/// What the scan found.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Version of the default operator set; 0 when the file names none.
    pub opset: u64,
    /// Number of operators, those of nested graphs included.
    pub nodes: usize,
    /// Initializers of the main graph.
    pub initializers: Vec<Initializer>,
}

/// One initializer of the main graph.
#[derive(Debug, Default, Clone)]
pub(super) struct Initializer {
    /// Its name.
    pub name: String,
    /// `TensorProto.DataType`: 1 is f32, 3 is i8.
    pub dtype: u64,
    /// Its dimensions.
    pub dims: Vec<u64>,
    /// Where its raw little-endian data lies in the file; empty when the data is stored in another way.
    pub raw: Range<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Graph,
    Node,
    Attribute,
    Sparse,
    Tensor,
    Initializer,
}

struct Scan<'a> {
    file: &'a [u8],
    domains: &'a [String],
    stack: Vec<(Kind, Range<usize>, usize)>,
    messages: usize,
    found: Scanned,
}

/// Scans a whole file. `domains` are operator domains that are allowed besides the standard one.
///
/// # Errors
/// What was expected, and what was found instead.
pub(super) fn scan(file: &[u8], domains: &[String]) -> Result<Scanned, (String, String)> {
    let mut scan = Scan { file, domains, stack: Vec::new(), messages: 0, found: Scanned::default() };
    scan.model()?;
    while let Some((kind, range, depth)) = scan.stack.pop() {
        match kind {
            Kind::Graph => scan.graph(range, depth)?,
            Kind::Node => scan.node(range, depth)?,
            Kind::Attribute => scan.attribute(range, depth)?,
            Kind::Sparse => scan.sparse(range, depth)?,
            Kind::Tensor => drop(scan.tensor(range)?),
            Kind::Initializer => {
                let tensor = scan.tensor(range)?;
                scan.found.initializers.push(tensor);
            }
        }
    }
    if scan.found.nodes == 0 {
        return Err(("an ONNX graph with operators".to_owned(), "none".to_owned()));
    }
    Ok(scan.found)
}

fn malformed(found: String) -> (String, String) {
    ("a well-formed ONNX file".to_owned(), found)
}

impl Scan<'_> {
    /// Calls `each` with every field of a message.
    fn fields(
        &mut self,
        range: Range<usize>,
        mut each: impl FnMut(&mut Self, u64, Field) -> Result<(), (String, String)>,
    ) -> Result<(), (String, String)> {
        let file = self.file;
        let mut reader = Reader::new(file, range);
        while let Some((number, field)) = reader.next().map_err(malformed)? {
            each(self, number, field)?;
        }
        Ok(())
    }

    /// Puts a nested message on the stack. A field that should be a message and is not is refused, not skipped: two
    /// readers that disagree about a field are how a check is passed by.
    fn push(&mut self, kind: Kind, field: Field, depth: usize) -> Result<(), (String, String)> {
        let Field::Bytes(range) = field else {
            return Err(malformed("a number where a message belongs".to_owned()));
        };
        self.messages += 1;
        if self.messages > MAX_MESSAGES {
            return Err((format!("at most {MAX_MESSAGES} nodes, attributes and tensors"), "more".to_owned()));
        }
        if depth > MAX_DEPTH {
            return Err((format!("graphs nested at most {MAX_DEPTH} deep"), "deeper".to_owned()));
        }
        self.stack.push((kind, range, depth));
        Ok(())
    }

    fn model(&mut self) -> Result<(), (String, String)> {
        self.fields(0..self.file.len(), |scan, number, field| match (number, field) {
            (7, field) => scan.push(Kind::Graph, field, 0),
            (8, Field::Bytes(range)) => scan.operator_set(range),
            (20, _) => Err(("a model for inference".to_owned(), "a training graph".to_owned())),
            (25, _) => Err(("operators of the standard set".to_owned(), "functions of the model's own".to_owned())),
            _ => Ok(()),
        })
    }

    fn operator_set(&mut self, range: Range<usize>) -> Result<(), (String, String)> {
        let (mut domain, mut version) = (0..0, 0);
        self.fields(range, |_, number, field| {
            match (number, field) {
                (1, Field::Bytes(range)) => domain = range,
                (2, Field::Number(number)) => version = number,
                _ => {}
            }
            Ok(())
        })?;
        if self.domain(domain)? {
            self.found.opset = version;
        }
        Ok(())
    }

    /// Whether a domain is the standard one; one that is neither that nor allowed is refused.
    fn domain(&self, range: Range<usize>) -> Result<bool, (String, String)> {
        let name = &self.file[range];
        if name.is_empty() || name == b"ai.onnx" {
            return Ok(true);
        }
        if self.domains.iter().any(|allowed| allowed.as_bytes() == name) {
            return Ok(false);
        }
        let found = format!("domain `{}`", String::from_utf8_lossy(&name[..name.len().min(80)]));
        Err(("operators of the domain ai.onnx".to_owned(), found))
    }

    fn graph(&mut self, range: Range<usize>, depth: usize) -> Result<(), (String, String)> {
        self.fields(range, |scan, number, field| match number {
            1 => scan.push(Kind::Node, field, depth),
            5 if depth == 0 => scan.push(Kind::Initializer, field, depth),
            5 => scan.push(Kind::Tensor, field, depth),
            15 => scan.push(Kind::Sparse, field, depth),
            _ => Ok(()),
        })
    }

    fn node(&mut self, range: Range<usize>, depth: usize) -> Result<(), (String, String)> {
        self.found.nodes += 1;
        self.fields(range, |scan, number, field| match (number, field) {
            (5, field) => scan.push(Kind::Attribute, field, depth),
            (7, Field::Bytes(range)) => scan.domain(range).map(drop),
            (7, _) => Err(malformed("an operator domain that is no text".to_owned())),
            _ => Ok(()),
        })
    }

    fn attribute(&mut self, range: Range<usize>, depth: usize) -> Result<(), (String, String)> {
        self.fields(range, |scan, number, field| match number {
            5 | 10 => scan.push(Kind::Tensor, field, depth),
            6 | 11 => scan.push(Kind::Graph, field, depth + 1),
            22 | 23 => scan.push(Kind::Sparse, field, depth),
            _ => Ok(()),
        })
    }

    fn sparse(&mut self, range: Range<usize>, depth: usize) -> Result<(), (String, String)> {
        self.fields(range, |scan, number, field| match number {
            1 | 2 => scan.push(Kind::Tensor, field, depth),
            _ => Ok(()),
        })
    }

    fn tensor(&mut self, range: Range<usize>) -> Result<Initializer, (String, String)> {
        let mut tensor = Initializer::default();
        self.fields(range, |scan, number, field| {
            match (number, field) {
                (1, Field::Number(size)) => tensor.dims.push(size),
                (1, Field::Bytes(range)) => tensor.dims.extend(packed(scan.file, range, MAX_RANK).map_err(malformed)?),
                (2, Field::Number(dtype)) => tensor.dtype = dtype,
                (8, Field::Bytes(range)) => tensor.name = String::from_utf8_lossy(&scan.file[range]).into_owned(),
                (9, Field::Bytes(range)) => tensor.raw = range,
                // 0 is "inside this file"; any other location, and any list of where else to look, is refused.
                (14, Field::Number(0)) => {}
                (13 | 14, _) => {
                    return Err(("all weights inside the file".to_owned(), "a tensor with external data".to_owned()));
                }
                _ => {}
            }
            if tensor.dims.len() > MAX_RANK {
                return Err((format!("tensors of at most {MAX_RANK} dimensions"), "more".to_owned()));
            }
            Ok(())
        })?;
        Ok(tensor)
    }
}
