//! Where runs begin.

/// How many starts are drawn where a function's source states none.
pub(crate) const DRAWN: usize = 20;

/// The starts of a function, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Starts {
    /// Points that the function's source states.
    Stated(Vec<Vec<f64>>),
    /// 20 points, uniformly in a box: the literature has no point of its own. The k-th is the same on every machine
    /// and in every version: SplitMix64 (Steele, Lea & Flood 2014) from the seed k, coordinate after coordinate.
    Drawn {
        /// Lower corner of the box, length n.
        lower: Vec<f64>,
        /// Upper corner of the box, length n.
        upper: Vec<f64>,
    },
}

impl Starts {
    pub(crate) fn one(start: Vec<f64>) -> Self {
        Self::Stated(vec![start])
    }

    pub(crate) fn cube(n: usize, lower: f64, upper: f64) -> Self {
        Self::Drawn { lower: vec![lower; n], upper: vec![upper; n] }
    }

    /// How many there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // there is one at least
    pub fn len(&self) -> usize {
        match self {
            Self::Stated(points) => points.len(),
            Self::Drawn { .. } => DRAWN,
        }
    }

    /// Start `index`, counted from 0; `None` from [`len`](Self::len) on.
    ///
    /// ```
    /// let f = optkit_functions::build("rastrigin", &[("n", 3.0)])?;
    /// let third = f.starts().get(2).unwrap();
    /// assert!(third.iter().all(|x| x.abs() <= 5.12));
    /// let same = optkit_functions::build("rastrigin", &[("n", 3.0), ("start", 3.0)])?;
    /// assert_eq!(same.start(), third);
    /// # Ok::<(), optkit_functions::Error>(())
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Vec<f64>> {
        match self {
            Self::Stated(points) => points.get(index).cloned(),
            Self::Drawn { .. } if index >= DRAWN => None,
            Self::Drawn { lower, upper } => {
                let mut state = index as u64 + 1;
                let inside = |(lower, upper): (&f64, &f64)| lower + (upper - lower) * fraction(&mut state);
                Some(lower.iter().zip(upper).map(inside).collect())
            }
        }
    }
}

/// The next number of SplitMix64 as a fraction in [0, 1).
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[allow(clippy::cast_precision_loss)] // 53 bits
    let top = ((z ^ (z >> 31)) >> 11) as f64;
    top * 2_f64.powi(-53)
}
