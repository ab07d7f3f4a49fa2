//! Samples as image networks read them.

use super::plan::Value;
use super::state::{Batch, Model};
use crate::Scalar;
use crate::augment::Shift;
use crate::kernels::Grid;
use crate::samples::Store;

/// `to` ← the samples of `batch`, of shape \[channels, rows, columns\] each, as `value` has them.
pub(crate) fn load<S: Scalar>(model: &Model<S>, batch: &Batch, value: &Value, to: &mut [S]) {
    match model.samples.store() {
        Store::Bytes(bytes) => {
            let number = |feature: usize, byte: u8| model.bytes.of(feature)[usize::from(byte)];
            load_from(bytes, number, batch, value, to);
        }
        Store::Floats(floats) => {
            load_from(floats, |_, float| S::from_f64(f64::from(float)), batch, value, to);
        }
        Store::Sparse(_) => unreachable!("the model has its samples by rows"),
    }
}

/// `number`: what a value at that place of a sample stands for.
fn load_from<T: Copy + Default + Sync, S: Scalar>(
    from: &[T],
    number: impl Fn(usize, T) -> S + Sync,
    batch: &Batch,
    value: &Value,
    to: &mut [S],
) {
    let (rows, columns, channels) = (value.rows, value.columns, value.channels);
    let (pixels, stride) = (rows * columns, value.stride());
    Grid::new(value.pixels(), batch.rows.len()).for_each(to, stride, |line, some, to| {
        for (to, n) in to.chunks_exact_mut(stride).zip(some) {
            let from = &from[batch.rows[n] as usize * pixels * channels..][..pixels * channels];
            let shift = batch.shifts.get(n).copied().unwrap_or_default();
            let seen = |channel: usize, row: usize, column: usize| {
                let there = source(shift, [rows, columns], row, column);
                let at = channel * pixels;
                number(at, there.map_or_else(T::default, |pixel| from[at + pixel]))
            };
            let Some([above, left]) = value.pad else {
                to[channels..].fill(S::ZERO);
                let (row, column) = (line / columns, line % columns);
                to[..channels].iter_mut().enumerate().for_each(|(c, to)| *to = seen(c, row, column));
                continue;
            };
            to.fill(S::ZERO);
            let Some(row) = line.checked_sub(above).filter(|&row| row < rows) else { continue };
            for channel in 0..channels {
                let inside = to[left * channels + channel..].iter_mut().step_by(channels);
                inside.zip(0..columns).for_each(|(to, column)| *to = seen(channel, row, column));
            }
        }
    });
}

/// Which pixel of an image is seen at (row, column) of the shifted one; none: where nothing was.
fn source(shift: Shift, [rows, columns]: [usize; 2], row: usize, column: usize) -> Option<usize> {
    let row = row.checked_add_signed(shift.rows).filter(|&row| row < rows)?;
    let column = if shift.flip { columns - 1 - column } else { column };
    let column = column.checked_add_signed(shift.columns).filter(|&column| column < columns)?;
    Some(row * columns + column)
}
