//! Bytes of a checkpoint: a safetensors file whose metadata say what it is and whether it is whole.

use optkit_core::Archive;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensorError, SafeTensors, View};
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

/// An entry as its bytes.
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Entry {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.bytes).into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn entries(archive: &Archive) -> Vec<(&str, Entry)> {
    let arrays = archive.arrays().map(|(name, values)| {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        (name, Entry { dtype: Dtype::F64, shape: vec![values.len()], bytes })
    });
    let integers = archive.integers().map(|(name, value)| {
        (name, Entry { dtype: Dtype::U64, shape: Vec::new(), bytes: value.to_le_bytes().to_vec() })
    });
    arrays.chain(integers).collect()
}

/// Of the bytes with the digits at `at` as zeros.
fn checksum(bytes: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..at]);
    hash.update([b'0'; DIGITS]);
    hash.update(&bytes[at + DIGITS..]);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
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
        let texts = [
            ("format", FORMAT.to_owned()),
            ("format_version", VERSION.to_string()),
            ("optkit", self.version.clone()),
            ("method", self.method.clone()),
            ("sha256", "0".repeat(DIGITS)),
        ];
        let problem = self.problem.iter().map(|text| ("problem", text.clone()));
        let texts = texts.into_iter().chain(problem).map(|(name, text)| (name.to_owned(), text));
        let mut bytes = safetensors::serialize(entries(&self.archive), Some(texts.collect()))
            .expect("entries are as long as they say, and their names fit a header");
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("the first eight bytes"));
        let at = digits(&bytes, header as usize).expect("the checksum is among the metadata");
        let checksum = checksum(&bytes, at);
        bytes[at..at + DIGITS].copy_from_slice(checksum.as_bytes());
        bytes
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
