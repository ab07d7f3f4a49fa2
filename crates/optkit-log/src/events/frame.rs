//! TFRecord: how TensorFlow frames what it writes.
//!
//! ```text
//! length (u64)  masked CRC-32C of the length (u32)  payload  masked CRC-32C of the payload (u32);  little-endian
//! ```

/// Bytes of length and checksum before a payload.
const HEAD: usize = 12;
/// Bytes of the checksum behind it.
const TAIL: usize = 4;

/// Bytes that a payload takes with its frame.
pub(super) fn length(payload: &[u8]) -> usize {
    HEAD + payload.len() + TAIL
}

/// A payload in its frame.
pub(super) fn framed(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut frame = Vec::with_capacity(self::length(payload));
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&masked(crc32c(&length)).to_le_bytes());
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&masked(crc32c(payload)).to_le_bytes());
    frame
}

/// The payloads up to the first whose frame is damaged or cut short.
pub(super) fn payloads(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<8>()?;
        let (sum, behind) = behind.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*sum) != masked(crc32c(length)) {
            return None;
        }
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (payload, behind) = behind.split_at_checked(length)?;
        let (sum, behind) = behind.split_first_chunk::<4>()?;
        rest = behind;
        (u32::from_le_bytes(*sum) == masked(crc32c(payload))).then_some(payload)
    })
}

/// TensorFlow's mask: a checksum of data that hold checksums would say little.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Castagnoli's CRC (polynomial 0x1EDC6F41, reflected).
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, &byte| (sum >> 8) ^ TABLE[usize::from(sum as u8 ^ byte)])
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ (0x82f6_3b78 * (sum & 1));
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 3720, appendix B.4.
    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    proptest! {
        /// However a file is cut short or damaged, what is read of it are the first of its payloads.
        #[test]
        fn damage_never_gives_other_payloads(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..5),
            cut in 0_usize..400, flip in 0_usize..400,
        ) {
            let whole: Vec<u8> = payloads.iter().flat_map(|payload| framed(payload)).collect();
            prop_assert!(super::payloads(&whole).eq(payloads.iter().map(Vec::as_slice)));
            let mut damaged = whole[..cut.min(whole.len())].to_vec();
            if let Some(byte) = damaged.get_mut(flip) {
                *byte ^= 0x10;
            }
            let read: Vec<_> = super::payloads(&damaged).collect();
            prop_assert!(read.len() <= payloads.len());
            prop_assert!(read.iter().zip(&payloads).all(|(a, b)| a == b));
        }
    }
}
