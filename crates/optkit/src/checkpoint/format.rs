//! Bytes of a checkpoint: a safetensors file whose metadata say what it is and whether it is whole.
//!
//! They are as many as those of a large part of what a run holds, so they are made piece by piece.

use std::io;

use optkit_core::Archive;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use sha2::{Digest, Sha256};

use super::Checkpoint;

const FORMAT: &str = "optkit checkpoint";
/// Grows with every change that an older reader would misread.
const VERSION: u64 = 1;
/// How the header names the checksum. A quotation mark inside a text is escaped, so this stands there once.
const CHECKSUM: &[u8] = b"\"sha256\":\"";
const DIGITS: usize = 64;

/// Why bytes are no checkpoint that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Something else, or a checkpoint whose beginning is lost.
    #[error("this is no checkpoint of optkit, or its beginning is damaged: {reason}; name another file")]
    NotACheckpoint {
        /// What is not as in a checkpoint.
        reason: String,
    },
    /// Written by a version that writes another format.
    #[error(
        "this checkpoint has format {found}, written by optkit {version}, and formats up to {known} are read; \
         read it with that version or a newer one"
    )]
    Newer {
        /// The format's version.
        found: u64,
        /// The newest that is read.
        known: u64,
        /// The version of optkit that wrote it.
        version: String,
    },
    /// Not what was written.
    #[error("this checkpoint is damaged: {reason}; take an earlier one, or copy it again")]
    Damaged {
        /// How that is known.
        reason: String,
    },
}

impl FormatError {
    fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }
}

/// Whether a safetensors file with these metadata calls itself a checkpoint.
pub(crate) fn is_checkpoint(metadata: &Metadata) -> bool {
    text(metadata, "format").is_some_and(|format| format == FORMAT)
}

fn text<'a>(metadata: &'a Metadata, name: &str) -> Option<&'a String> {
    metadata.metadata().as_ref()?.get(name)
}

/// Numbers that are turned into bytes at a time.
const PIECE: usize = 1 << 13;

/// A file's header, and the archive whose entries come behind it.
struct Writing<'a> {
    archive: &'a Archive,
    /// With zeros for the digits of the checksum.
    header: Vec<u8>,
    /// Where these stand.
    digits: usize,
}

impl Writing<'_> {
    /// The bytes behind the header, in the format's order: integers by name, then arrays.
    fn for_each_piece(&self, mut f: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.archive.integers().try_for_each(|(_, value)| f(&value.to_le_bytes()))?;
        let mut bytes = Vec::with_capacity(8 * PIECE);
        for (_, values) in self.archive.arrays() {
            for piece in values.chunks(PIECE) {
                bytes.clear();
                bytes.extend(piece.iter().flat_map(|value| value.to_le_bytes()));
                f(&bytes)?;
            }
        }
        Ok(())
    }

    /// The header with the checksum of all.
    fn signed(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(&self.header);
        let hashed = self.for_each_piece(|piece| {
            hash.update(piece);
            Ok(())
        });
        hashed.expect("hashing does not fail");
        let mut header = self.header.clone();
        header[self.digits..self.digits + DIGITS].copy_from_slice(hexadecimal(hash).as_bytes());
        header
    }
}

/// A header, in the format's order. The crate's own function would reserve what the whole file takes.
fn header(archive: &Archive, texts: impl Iterator<Item = (String, String)>) -> Vec<u8> {
    let integers = archive.integers().map(|(name, _)| (name, Dtype::U64, Vec::new()));
    let arrays = archive.arrays().map(|(name, values)| (name, Dtype::F64, vec![values.len()]));
    let mut end = 0;
    let entry = |(name, dtype, shape): (&str, Dtype, Vec<usize>)| {
        let start = end;
        end += 8 * shape.iter().product::<usize>();
        (name.to_owned(), TensorInfo { dtype, shape, data_offsets: (start, end) })
    };
    let entries = integers.chain(arrays).map(entry).collect();
    let metadata = Metadata::new(Some(texts.collect()), entries).expect("entries are as long as they say");
    let mut header = vec![0; 8];
    serde_json::to_writer(&mut header, &metadata).expect("names and numbers are JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = header.len() as u64 - 8;
    header[..8].copy_from_slice(&length.to_le_bytes());
    header
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of the bytes with the digits at `at` as zeros.
fn checksum(bytes: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..at]);
    hash.update([b'0'; DIGITS]);
    hash.update(&bytes[at + DIGITS..]);
    hexadecimal(hash)
}

/// Where the digits stand.
fn digits(bytes: &[u8], header: usize) -> Option<usize> {
    let header = bytes.get(8..8 + header)?;
    let at = header.windows(CHECKSUM.len()).position(|window| window == CHECKSUM)?;
    let at = 8 + at + CHECKSUM.len();
    (at + DIGITS <= 8 + header.len()).then_some(at)
}

impl Checkpoint {
    /// The bytes of a file that holds it.
    ///
    /// # Panics
    /// Where the names of the entries fill more than 100 MB.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes).expect("a vector takes all that is written");
        bytes
    }

    /// The same, piece by piece.
    pub(super) fn write_to(&self, to: &mut dyn io::Write) -> io::Result<()> {
        let writing = self.writing();
        to.write_all(&writing.signed())?;
        writing.for_each_piece(|piece| to.write_all(piece))
    }

    fn writing(&self) -> Writing<'_> {
        let texts = [
            ("format", FORMAT.to_owned()),
            ("format_version", VERSION.to_string()),
            ("optkit", self.version.clone()),
            ("method", self.method.clone()),
            ("sha256", "0".repeat(DIGITS)),
        ];
        let problem = self.problem.iter().map(|text| ("problem", text.clone()));
        let texts = texts.into_iter().chain(problem).map(|(name, text)| (name.to_owned(), text));
        let header = header(&self.archive, texts);
        let digits = digits(&header, header.len() - 8).expect("the checksum is among the metadata");
        Writing { archive: &self.archive, header, digits }
    }

    /// Reads the bytes of a file. Any that [`to_bytes`](Self::to_bytes) did not give are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let text = |name: &str| text(&metadata, name);
        if !is_checkpoint(&metadata) {
            let reason = format!("a safetensors file whose metadata do not say `format`: `{FORMAT}`");
            return Err(FormatError::NotACheckpoint { reason });
        }
        let needed = |name: &str| {
            text(name).cloned().ok_or_else(|| FormatError::damaged(format!("it does not say `{name}`")))
        };
        let version = needed("optkit")?;
        let found = needed("format_version")?;
        let found: u64 =
            found.parse().map_err(|_| FormatError::damaged(format!("its format is `{found}`")))?;
        if found > VERSION {
            return Err(FormatError::Newer { found, known: VERSION, version });
        }
        let at = digits(bytes, header).ok_or_else(|| FormatError::damaged("it has no checksum"))?;
        if bytes[at..at + DIGITS] != *checksum(bytes, at).as_bytes() {
            return Err(FormatError::damaged("it does not have its checksum"));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let archive = archive(&tensors)?;
        for needed in ["run.point", "run.value"] {
            archive.array(needed).map_err(|error| FormatError::damaged(error.to_string()))?;
        }
        Ok(Self { method: needed("method")?, problem: text("problem").cloned(), version, archive })
    }
}

fn archive(tensors: &SafeTensors<'_>) -> Result<Archive, FormatError> {
    let mut archive = Archive::default();
    for (name, tensor) in tensors.iter() {
        let (words, rest) = tensor.data().as_chunks::<8>();
        match (tensor.dtype(), tensor.shape(), rest, words) {
            (Dtype::F64, [_], [], words) => {
                archive.put(name, words.iter().map(|word| f64::from_le_bytes(*word)).collect());
            }
            (Dtype::U64, [], [], [word]) => archive.put_integer(name, u64::from_le_bytes(*word)),
            (dtype, shape, ..) => {
                let reason = format!("`{name}` is {dtype} of shape {shape:?}");
                return Err(FormatError::Damaged { reason });
            }
        }
    }
    Ok(archive)
}

fn unreadable(error: SafeTensorError) -> FormatError {
    match error {
        SafeTensorError::MetadataIncompleteBuffer => {
            FormatError::damaged("it is not as long as its beginning says")
        }
        error => FormatError::NotACheckpoint { reason: error.to_string() },
    }
}
