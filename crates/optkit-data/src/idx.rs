//! The idx file format of MNIST (LeCun, Cortes & Burges, <http://yann.lecun.com/exdb/mnist/>).
//!
//! Big-endian: two zero bytes, a byte for the element type (0x08: unsigned byte), a byte for the number of
//! dimensions, a 32-bit size for each dimension, then the elements, the last dimension running fastest.

use crate::checksum::{Running, Sum};
use crate::error::Error;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

/// Bytes read and hashed at a time: they stay in the second-level cache between the two.
const CHUNK: u64 = 256 * 1024;
/// No deflate stream expands by more than this (zlib's technical notes: 1032 to 1).
const MOST_EXPANSION: u64 = 1032;
/// Images have samples, rows, columns, perhaps channels; more than this is no image.
const MOST_DIMENSIONS: usize = 8;

/// What is wrong in a file that should be in idx format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdxProblem {
    /// Shorter than its header.
    #[error("the file ends at byte {length}, inside the header of {header} bytes")]
    ShortHeader {
        /// Bytes there are.
        length: usize,
        /// Bytes the header has.
        header: usize,
    },
    /// The first two bytes are not zero.
    #[error("bytes 0 and 1 are {found:#06x} where an idx file has 0x0000")]
    Magic {
        /// The two bytes, big-endian.
        found: u16,
    },
    /// Elements are not unsigned bytes.
    #[error("byte 2 says that elements are of type {found:#04x}; only unsigned bytes, 0x08, are read")]
    ElementType {
        /// The type there.
        found: u8,
    },
    /// Not as many dimensions as such a file has.
    #[error("byte 3 says that there are {found} dimensions; a file of {what} has {wanted}")]
    Dimensions {
        /// The number there.
        found: usize,
        /// Images or labels.
        what: &'static str,
        /// The number wanted.
        wanted: &'static str,
    },
    /// A dimension of size zero.
    #[error("byte {place} says that dimension {dimension} has size 0: there are no samples in it")]
    Empty {
        /// Place of the size in the file.
        place: usize,
        /// Which dimension, from 0 (the samples).
        dimension: usize,
    },
    /// Fewer bytes than the dimensions say.
    #[error("dimensions {shape} need {promised} bytes of data, but the file ends after {held}")]
    Truncated {
        /// The dimensions.
        shape: String,
        /// Bytes they need.
        promised: u64,
        /// Bytes there are behind the header.
        held: u64,
    },
    /// More bytes than a file of this length, or this machine's memory, can hold.
    #[error("dimensions {shape} need more data than a file of {length} bytes or the memory can hold")]
    Absurd {
        /// The dimensions.
        shape: String,
        /// Length of the file, as it lies on disk.
        length: u64,
    },
    /// More bytes than the dimensions say.
    #[error("the data should end at byte {end}, but more bytes follow")]
    Trailing {
        /// Where the data end.
        end: u64,
    },
    /// The gzip stream around it is broken.
    #[error("the gzip stream is broken after {held} bytes of data: {reason}")]
    Gzip {
        /// Bytes that could be unpacked behind the header.
        held: u64,
        /// The decoder's reason.
        reason: String,
    },
}

/// What a file should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Images,
    Labels,
}

/// An array of bytes with its dimensions and the digest of the whole uncompressed file.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) dimensions: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sum: Sum,
}

impl Array {
    pub(crate) fn samples(&self) -> usize {
        self.dimensions[0]
    }
}

/// Reads a plain or gzipped idx file; which of them, its first two bytes tell.
///
/// The elements are read straight into the vector that is returned, and nothing is allocated that the file on
/// disk cannot fill.
pub(crate) fn read(path: &Path, content: Content) -> Result<Array, Error> {
    let cannot_read = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(cannot_read)?;
    let length = file.metadata().map_err(cannot_read)?.len();
    let mut start = Vec::with_capacity(2);
    (&mut file).take(2).read_to_end(&mut start).map_err(cannot_read)?;
    file.rewind().map_err(cannot_read)?;
    let parsed = if start == [0x1f, 0x8b] {
        let most = length.saturating_mul(MOST_EXPANSION);
        parse(&mut MultiGzDecoder::new(BufReader::new(file)), content, most)
    } else {
        parse(&mut file, content, length)
    };
    parsed.map_err(|failure| match failure {
        Failure::System(source) => cannot_read(source),
        Failure::Problem(mut problem) => {
            if let IdxProblem::Absurd { length: on_disk, .. } = &mut problem {
                *on_disk = length;
            }
            Error::Format { path: path.to_owned(), problem, refetch: None }
        }
    })
}

enum Failure {
    System(io::Error),
    Problem(IdxProblem),
}

impl From<IdxProblem> for Failure {
    fn from(problem: IdxProblem) -> Self {
        Self::Problem(problem)
    }
}

/// Parses a stream that holds at most `most` bytes.
fn parse(reader: &mut dyn Read, content: Content, most: u64) -> Result<Array, Failure> {
    let mut running = Running::default();
    let mut header = Vec::new();
    extend(reader, &mut header, 4).map_err(|e| broken(e, 0))?;
    let rank = check_magic(&header, content)?;
    let header_length = 4 + 4 * rank;
    extend(reader, &mut header, 4 * rank as u64).map_err(|e| broken(e, 0))?;
    if header.len() < header_length {
        return Err(IdxProblem::ShortHeader { length: header.len(), header: header_length }.into());
    }
    running.update(&header);
    let dimensions = sizes(&header[4..])?;
    let promised = dimensions.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
    let absurd = || IdxProblem::Absurd { shape: shape_text(&dimensions), length: 0 };
    let promised = promised.ok_or_else(absurd)?;
    let mut bytes = Vec::new();
    // A plain file that is too short would be seen below as well, but after allocating for what is not there.
    let room = most.saturating_sub(header_length as u64).min(promised);
    bytes.try_reserve_exact(usize::try_from(room).map_err(|_| absurd())?).map_err(|_| absurd())?;
    while (bytes.len() as u64) < promised {
        let held = bytes.len();
        let wanted = CHUNK.min(promised - held as u64);
        extend(reader, &mut bytes, wanted).map_err(|e| broken(e, held as u64))?;
        running.update(&bytes[held..]);
        if bytes.len() == held {
            let shape = shape_text(&dimensions);
            return Err(IdxProblem::Truncated { shape, promised, held: held as u64 }.into());
        }
    }
    let mut beyond = Vec::new();
    extend(reader, &mut beyond, 1).map_err(|e| broken(e, promised))?;
    if !beyond.is_empty() {
        return Err(IdxProblem::Trailing { end: header_length as u64 + promised }.into());
    }
    Ok(Array { dimensions, bytes, sum: running.finish() })
}

/// Checks the first four bytes; the number of dimensions.
fn check_magic(header: &[u8], content: Content) -> Result<usize, IdxProblem> {
    let &[first, second, element, rank] = header else {
        return Err(IdxProblem::ShortHeader { length: header.len(), header: 4 });
    };
    let found = u16::from_be_bytes([first, second]);
    if found != 0 {
        return Err(IdxProblem::Magic { found });
    }
    if element != 0x08 {
        return Err(IdxProblem::ElementType { found: element });
    }
    let found = usize::from(rank);
    match content {
        Content::Labels if found != 1 => {
            Err(IdxProblem::Dimensions { found, what: "labels", wanted: "1 (samples)" })
        }
        Content::Images if !(2..=MOST_DIMENSIONS).contains(&found) => {
            Err(IdxProblem::Dimensions { found, what: "images", wanted: "2 to 8 (samples, then the shape)" })
        }
        _ => Ok(found),
    }
}

fn sizes(header: &[u8]) -> Result<Vec<usize>, IdxProblem> {
    let (words, _) = header.as_chunks::<4>();
    let sizes: Vec<usize> = words.iter().map(|&word| u32::from_be_bytes(word) as usize).collect();
    match sizes.iter().position(|&size| size == 0) {
        Some(dimension) => Err(IdxProblem::Empty { place: 4 + 4 * dimension, dimension }),
        None => Ok(sizes),
    }
}

/// Appends at most `count` bytes; fewer only at the end of the stream.
fn extend(reader: &mut dyn Read, bytes: &mut Vec<u8>, count: u64) -> io::Result<usize> {
    reader.take(count).read_to_end(bytes)
}

/// What the decoder says of its input is the file's fault, anything else the system's.
fn broken(error: io::Error, held: u64) -> Failure {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            Failure::Problem(IdxProblem::Gzip { held, reason: error.to_string() })
        }
        _ => Failure::System(error),
    }
}

/// `60000x28x28`
pub(crate) fn shape_text(dimensions: &[usize]) -> String {
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
