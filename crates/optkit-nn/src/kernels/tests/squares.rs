//! What goes through registers in squares of sixteen.

use super::*;

/// Where entries lie that are interleaved: one in `step` is wanted; they lie in reverse order, with room between them.
fn places(entries: usize, step: usize) -> Vec<usize> {
    let place = |e: usize| if e % step == step / 2 { (entries - 1 - e) * (LANES + 3) } else { NOWHERE };
    (0..entries).map(place).collect()
}

/// From the first weight of a row to that of the next, entries, and rows.
const RUNS: [(usize, usize, usize); 7] =
    [(40, 37, 16), (16, 16, 16), (300, 144, 16), (5, 5, 16), (16, 1, 16), (70, 64, 5), (2100, 1020, 16)];

#[test]
fn rows_are_interleaved_and_rounded() {
    for kernels in usable() {
        for ((row, entries, rows), step) in
            RUNS.into_iter().flat_map(|run| [1, 3, 4, 9].map(|step| (run, step)))
        {
            let (from, places) = (numbers((rows - 1) * row + entries, 21), places(entries, step));
            let mut to = vec![7.0_f32; entries * (LANES + 3)];
            let mut expected = to.clone();
            for (e, &place) in places.iter().enumerate().filter(|&(_, &place)| place != NOWHERE) {
                for r in 0..rows {
                    expected[place + r] = from[r * row + e] as f32;
                }
            }
            (kernels.interleave)(Interleave { from: &from, row, rows, places: &places, to: &mut to });
            assert_eq!(to, expected, "{}: {entries} entries of {rows} rows of {row}", kernels.kernel.name());
        }
    }
}

#[test]
fn rows_are_spread_with_zeros_and_nothing_else_is_written() {
    for kernels in usable() {
        for ((row, entries, rows), step) in
            RUNS.into_iter().flat_map(|run| [1, 3, 4, 9].map(|step| (run, step)))
        {
            let (from, places) = (single(&numbers(entries * (LANES + 3), 23)), places(entries, step));
            // Where the rows begin on a line, and where they do not.
            for (begin, past_cache) in [(0, false), (0, true), (1, true), (5, false), (7, true)] {
                let mut to = vec![7.0; begin + (rows - 1) * row + entries + 3];
                let mut expected = to.clone();
                for (e, &place) in places.iter().enumerate() {
                    for r in 0..rows {
                        let own = if place == NOWHERE { 0.0 } else { f64::from(from[place + r]) };
                        expected[begin + r * row + e] = own;
                    }
                }
                let own = &mut to[begin..];
                (kernels.spread)(Spread { from: &from, places: &places, to: own, row, rows, past_cache });
                let name = kernels.kernel.name();
                assert_eq!(to, expected, "{name}: {entries} entries of {rows} rows of {row}, one in {step}");
            }
        }
    }
}

#[test]
fn matrices_are_transposed() {
    for kernels in usable() {
        for (rows, columns) in [(16, 16), (32, 32), (1, 40), (40, 1), (17, 33), (20, 12), (0, 5), (5, 0)] {
            let (from_row, to_row) = (columns + 3, rows + 5);
            let from = single(&numbers(rows * from_row + columns, 25));
            let mut to = vec![7.0; columns * to_row + rows];
            let mut expected = to.clone();
            for (r, c) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                expected[c * to_row + r] = from[r * from_row + c];
            }
            (kernels.transpose)(Transpose { from: &from, from_row, rows, columns, to: &mut to, to_row });
            assert_eq!(to, expected, "{}: {rows} x {columns}", kernels.kernel.name());
        }
    }
}
