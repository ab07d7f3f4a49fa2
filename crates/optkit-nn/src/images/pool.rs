//! Windows of an image: their largest value, or their mean.

use super::geometry::{Extents, Lists, pair};
use crate::Scalar;
use crate::kernels::{Grid, Kernels};

/// Windows, made ready.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) extents: Extents,
    /// By output pixel: (input pixel, tap).
    reads: Lists,
    /// By input pixel: (output pixel, tap).
    writes: Lists,
}

impl Pool {
    pub(crate) fn new(extents: Extents) -> Self {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        extents.for_each(|i, o, tap| {
            reads.push((o, pair(i, tap)));
            writes.push((i, pair(o, tap)));
        });
        let pixels = |[rows, columns]: [usize; 2]| rows * columns;
        Self {
            reads: Lists::new(pixels(extents.output()), &reads),
            writes: Lists::new(pixels(extents.input), &writes),
            extents,
        }
    }

    fn outputs(&self) -> usize {
        self.extents.output().iter().product()
    }

    fn inputs(&self) -> usize {
        self.extents.input.iter().product()
    }

    /// Values that are read, over those that are written.
    pub(crate) fn reads_per_output(&self) -> f64 {
        self.reads.pairs() as f64 / self.outputs() as f64
    }

    /// y ← the largest values, `at` ← which taps they were at; rows of `stride` values.
    pub(crate) fn largest<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        (samples, stride): (usize, usize),
        x: &[S],
        y: &mut [S],
        at: &mut [u16],
    ) {
        Grid::new(self.outputs(), samples).for_each_of_two(
            (y, stride),
            (at, stride),
            |pixel, some, y, at| {
                let rows = |pixel: u32| {
                    let from = (pixel as usize * samples + some.start) * stride;
                    &x[from..from + some.len() * stride]
                };
                // A window lies on the image at least in part: its padding is at most half of it.
                let [first, others @ ..] = self.reads.of(pixel) else { return };
                y.copy_from_slice(rows(first.a));
                at.fill(first.b as u16);
                for other in others {
                    (kernels.largest)(rows(other.a), other.b as u16, y, at);
                }
            },
        );
    }

    /// ∂ℓ/∂x ← (or +=) from ∂ℓ/∂y.
    pub(crate) fn largest_gradient<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        (samples, stride): (usize, usize),
        (dy, at): (&[S], &[u16]),
        dx: &mut [S],
        add: bool,
    ) {
        Grid::new(self.inputs(), samples).for_each(dx, stride, |pixel, some, dx| {
            if !add {
                dx.fill(S::ZERO);
            }
            for window in self.writes.of(pixel) {
                let from = (window.a as usize * samples + some.start) * stride;
                let rows = from..from + some.len() * stride;
                (kernels.from_largest)(&dy[rows.clone()], &at[rows], window.b as u16, dx);
            }
        });
    }

    /// R{y} ← R{x} where the largest values were.
    pub(crate) fn largest_tangent<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        (samples, stride): (usize, usize),
        (rx, at): (&[S], &[u16]),
        ry: &mut [S],
    ) {
        Grid::new(self.outputs(), samples).for_each(ry, stride, |pixel, some, ry| {
            let rows = |pixel: usize| {
                let from = (pixel * samples + some.start) * stride;
                from..from + some.len() * stride
            };
            ry.fill(S::ZERO);
            for pair in self.reads.of(pixel) {
                let (rx, at) = (&rx[rows(pair.a as usize)], &at[rows(pixel)]);
                (kernels.from_largest)(rx, at, pair.b as u16, ry);
            }
        });
    }

    fn factor<S: Scalar>(&self) -> S {
        S::from_f64(1.0 / self.extents.taps() as f64)
    }

    /// y ← the means, in which padding counts as zeros.
    pub(crate) fn mean<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        (samples, stride): (usize, usize),
        x: &[S],
        y: &mut [S],
    ) {
        self.scaled_sums(kernels, &self.reads, (self.outputs(), samples, stride), x, y, false);
    }

    pub(crate) fn mean_gradient<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        (samples, stride): (usize, usize),
        dy: &[S],
        dx: &mut [S],
        add: bool,
    ) {
        self.scaled_sums(kernels, &self.writes, (self.inputs(), samples, stride), dy, dx, add);
    }

    fn scaled_sums<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        lists: &Lists,
        (pixels, samples, stride): (usize, usize, usize),
        from: &[S],
        to: &mut [S],
        add: bool,
    ) {
        Grid::new(pixels, samples).for_each(to, stride, |pixel, some, to| {
            if !add {
                to.fill(S::ZERO);
            }
            for pair in lists.of(pixel) {
                let at = (pair.a as usize * samples + some.start) * stride;
                (kernels.add_scaled)(&from[at..at + some.len() * stride], self.factor(), to);
            }
        });
    }
}
