//! Numbers of sixteen bits, as they are kept in files.

/// IEEE 754 binary16: a sign, five bits of exponent, ten of fraction. Every one is an `f64`.
pub(super) fn from_f16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
    }
}

/// bfloat16: the upper half of an `f32`.
pub(super) fn from_bf16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bits_are_known_numbers() {
        let known = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),          // the largest
            (0x0001, 2.0_f64.powi(-24)), // the smallest
            (0x0400, 2.0_f64.powi(-14)), // the smallest with all its digits
            (0x3555, 0.333_251_953_125), // nearest to 1/3
            (0x7c00, f64::INFINITY),
        ];
        for (bits, number) in known {
            assert_eq!(from_f16(bits), number, "{bits:#06x}");
        }
        assert!(from_f16(0x7e00).is_nan() && from_f16(0x8000).is_sign_negative());
        assert_eq!((from_bf16(0x3f80), from_bf16(0xc049)), (1.0, -3.140_625));
    }
}
