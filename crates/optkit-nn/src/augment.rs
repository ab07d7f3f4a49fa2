//! Random crops and mirror images of the images that are trained on: as torchvision's `RandomCrop(size, padding)` and
//! `RandomHorizontalFlip`, drawn from (seed, epoch, sample) alone, so that all evaluations of an iteration see one function.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::deal::below;

/// How images change from epoch to epoch where they stand in mini-batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// Images are padded by so many zeros on every side, then cut to their size at a random place.
    pub crop: usize,
    /// Half of the images are mirrored, left to right.
    pub flip: bool,
}

/// What becomes of one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    /// Value (r, c) of the image is that of (r + rows, c + columns) before; zero where there is none.
    pub(crate) rows: isize,
    pub(crate) columns: isize,
    /// After that, columns count from the right.
    pub(crate) flip: bool,
}

/// Tells the seed of shifts from that of orders.
const SHIFTS: u64 = 0x7368_6966_7473;

impl Augmentation {
    /// True where images stay as they are.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The shift of `sample` in `epoch`.
    pub(crate) fn shift(&self, seed: u64, epoch: u64, sample: u32) -> Shift {
        if self.is_none() {
            return Shift::default();
        }
        let mut stream = ChaCha8Rng::seed_from_u64(seed ^ SHIFTS);
        stream.set_stream(epoch.wrapping_shl(32) | u64::from(sample));
        let mut offset = || below(&mut stream, 2 * self.crop + 1) as isize - self.crop as isize;
        let (rows, columns) = (offset(), offset());
        Shift { rows, columns, flip: self.flip && stream.next_u32() >> 31 == 1 }
    }
}

impl Shift {
    /// `to` ← the image `from` of `shape` \[channels, rows, columns\], shifted; `zero` where nothing was.
    pub(crate) fn apply<T: Copy>(self, from: &[T], shape: [usize; 3], zero: T, to: &mut [T]) {
        let [_, rows, columns] = shape;
        let planes = to.chunks_exact_mut(rows * columns).zip(from.chunks_exact(rows * columns));
        for (to, from) in planes {
            for (r, to) in to.chunks_exact_mut(columns).enumerate() {
                let row = r.checked_add_signed(self.rows).filter(|&row| row < rows);
                for (c, to) in to.iter_mut().enumerate() {
                    let seen = if self.flip { columns - 1 - c } else { c };
                    let column = seen.checked_add_signed(self.columns).filter(|&column| column < columns);
                    *to = match (row, column) {
                        (Some(row), Some(column)) => from[row * columns + column],
                        _ => zero,
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_and_mirrors_every_channel() {
        let image: Vec<u8> = (1..=12).collect(); // two channels of 2 rows, 3 columns
        let mut to = vec![99; 12];
        Shift { rows: 1, columns: -1, flip: false }.apply(&image, [2, 2, 3], 0, &mut to);
        assert_eq!(to, [0, 4, 5, 0, 0, 0, 0, 10, 11, 0, 0, 0]);
        Shift { rows: 1, columns: -1, flip: true }.apply(&image, [2, 2, 3], 0, &mut to);
        assert_eq!(to, [5, 4, 0, 0, 0, 0, 11, 10, 0, 0, 0, 0]);
        Shift::default().apply(&image, [2, 2, 3], 0, &mut to);
        assert_eq!(to, image[..]);
    }

    /// Of 9 offsets by 9 and 2 sides, 16,200 draws: χ² over 162 places, mean 161, deviation 18.
    #[test]
    fn all_shifts_are_equally_likely_and_depend_on_seed_epoch_and_sample() {
        let augmentation = Augmentation { crop: 4, flip: true };
        let mut counts = [0_u32; 162];
        for sample in 0..16_200 {
            let Shift { rows, columns, flip } = augmentation.shift(1, 2, sample);
            counts[((rows + 4) * 9 + columns + 4) as usize * 2 + usize::from(flip)] += 1;
        }
        let squares: f64 = counts.iter().map(|&n| (f64::from(n) - 100.0).powi(2) / 100.0).sum();
        assert!((80.0..250.0).contains(&squares), "{squares}");
        let differ = |other: &dyn Fn(u32) -> Shift| {
            (0..100).filter(|&sample| augmentation.shift(1, 2, sample) != other(sample)).count() > 80
        };
        assert!(differ(&|sample| augmentation.shift(1, 3, sample)));
        assert!(differ(&|sample| augmentation.shift(2, 2, sample)));
        assert_eq!(augmentation.shift(1, 2, 5), augmentation.shift(1, 2, 5));
    }
}
