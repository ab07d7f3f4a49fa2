//! SHA-256 digests and their hexadecimal form.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub(crate) type Sum = [u8; 32];

/// Digest of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> Sum {
    Sha256::digest(bytes).into()
}

/// Digest over digests: the checksum of a dataset of several files.
pub(crate) fn over(sums: &[Sum]) -> Sum {
    of(sums.as_flattened())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(sum: &Sum) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    sum.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| char::from(DIGITS[usize::from(n)])).collect()
}

/// Takes bytes as they pass by and gives their digest.
#[derive(Default)]
pub(crate) struct Running(Sha256);

impl Running {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    pub(crate) fn finish(self) -> Sum {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_abc_is_the_standards() {
        // FIPS 180-4, example of SHA-256("abc")
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&of(b"abc")), expected);
        let mut running = Running::default();
        running.update(b"a");
        running.update(b"bc");
        assert_eq!(hex(&running.finish()), expected);
    }

    #[test]
    fn digest_over_digests_is_that_of_their_bytes() {
        let (a, b) = (of(b"a"), of(b"b"));
        let joined: Vec<u8> = a.iter().chain(&b).copied().collect();
        assert_eq!(over(&[a, b]), of(&joined));
    }
}
