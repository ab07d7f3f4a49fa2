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
            let table = |at: usize| {
                let table = model.bytes.of(at);
                move |byte: u8| table[usize::from(byte)]
            };
            load_from(bytes, table, batch, value, to);
        }
        Store::Floats(floats) => {
            load_from(floats, |_| |float| S::from_f64(f64::from(float)), batch, value, to);
        }
        Store::Sparse(_) => unreachable!("the model has its samples by rows"),
    }
}

/// `numbers(place)`: what values of the channel that begins at that place of a sample stand for.
fn load_from<T: Copy + Default + Sync, S: Scalar, N: Fn(T) -> S>(
    from: &[T],
    numbers: impl Fn(usize) -> N + Sync,
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
            let Some([above, left]) = value.pad else {
                to[channels..].fill(S::ZERO);
                let there = source(shift, [rows, columns], line / columns, line % columns);
                for (channel, to) in to[..channels].iter_mut().enumerate() {
                    let at = channel * pixels;
                    *to = numbers(at)(there.map_or_else(T::default, |pixel| from[at + pixel]));
                }
                continue;
            };
            to.fill(S::ZERO);
            let Some(row) = line.checked_sub(above).filter(|&row| row < rows) else { continue };
            for channel in 0..channels {
                let at = channel * pixels;
                let number = numbers(at);
                let inside = to[left * channels + channel..].iter_mut().step_by(channels).take(columns);
                if shift == Shift::default() {
                    let from = &from[at + row * columns..][..columns];
                    inside.zip(from).for_each(|(to, &value)| *to = number(value));
                    continue;
                }
                for (column, to) in inside.enumerate() {
                    let there = source(shift, [rows, columns], row, column);
                    *to = number(there.map_or_else(T::default, |pixel| from[at + pixel]));
                }
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
