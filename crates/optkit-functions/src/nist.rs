//! The nonlinear regressions of NIST's Statistical Reference Datasets.
//!
//! ```text
//! f(b) = Σᵢ (yᵢ − model(xᵢ; b))²
//! ```
//!
//! 27 datasets with two starts each, a far one and a near one, and solutions certified to eleven digits. In the
//! language they are called `nist_misra1a(start = 2)`. The files and their peculiarities: `data/nist/README.md`.

mod dataset;
mod models;

use crate::catalog::{Row, build, function};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Error, Minimum, Starts, TestFunction};

pub use dataset::Certified;
use dataset::Dataset;

/// A model of W parameters in at most two predictors.
trait Model<const W: usize>: Copy + Send + 'static {
    fn predict<T: Number>(self, x: [f64; 2], b: [T; W]) -> T;
    /// What is fitted, of a response y.
    fn response(self, y: f64) -> f64 {
        y
    }
}

#[derive(Clone, Copy, Debug)]
struct Regression<M> {
    data: &'static Dataset,
    model: M,
}

impl<M: Model<W>, const W: usize> Residuals<W, 1> for Regression<M> {
    fn blocks(&self) -> usize {
        self.data.responses.len()
    }
    fn residuals<T: Number>(&self, block: usize, b: [T; W]) -> [T; 1] {
        let response = self.model.response(self.data.responses[block]);
        [-self.model.predict(self.data.predictors[block], b) + response]
    }
    fn starts(&self) -> Starts {
        Starts::Stated(self.data.certified.starts.to_vec())
    }
    fn minima(&self) -> Vec<Minimum> {
        let certified = &self.data.certified;
        vec![Minimum::at(certified.residual_sum_of_squares, certified.parameters.clone())]
    }
    /// A residual carries the rounding error of its response.
    fn noise(&self) -> f64 {
        let responses =
            self.data.responses.iter().map(|y| self.model.response(*y).powi(2)).sum::<f64>().sqrt();
        let least = self.data.certified.residual_sum_of_squares;
        let relative = 4.0 * responses * least.sqrt() / least.max(1.0);
        relative.max(1.0) * f64::EPSILON
    }
}

/// One row and one file a line.
macro_rules! regressions {
    ($($word:literal $name:literal $model:ident $doc:literal $reference:literal;)*) => {
        /// The regressions, by name.
        pub static NIST: &[Row] = &[$(Row {
            entry: function(
                concat!("nist_", $word),
                $doc,
                &[count("start", 1, 2, "1", "which of NIST's two starts: 1 is far, 2 near")],
            ),
            build: |operands| {
                let data = dataset::find($name).expect("every row has its file");
                Ok(sum_of_squares(operands, Regression { data, model: models::$model }))
            },
            source: concat!("NIST/ITL Statistical Reference Datasets, ", $name, "; after ", $reference),
        }),*];

        /// NIST's names with the files.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../data/nist/", $name, ".dat")))),*];
    };
}

regressions! {
    "bennett5" "Bennett5" Bennett "superconductivity: a power law, 3 parameters, 154 observations" "L. Bennett, L. Swartzendruber, H. Brown (1994)";
    "boxbod" "BoxBOD" Saturation "biochemical oxygen demand: saturation, 2 parameters, 6 observations" "G. P. Box, W. G. Hunter, J. S. Hunter (1978)";
    "chwirut1" "Chwirut1" Chwirut "ultrasonic response: damped hyperbola, 3 parameters, 214 observations" "D. Chwirut (197?)";
    "chwirut2" "Chwirut2" Chwirut "ultrasonic response: damped hyperbola, 3 parameters, 54 observations" "D. Chwirut (197?)";
    "danwood" "DanWood" Power "radiated energy: a power, 2 parameters, 6 observations" "C. Daniel, F. S. Wood (1980)";
    "eckerle4" "Eckerle4" Eckerle "transmittance: one peak, 3 parameters, 35 observations" "K. Eckerle (197?)";
    "enso" "ENSO" Cycles "atmospheric pressure: three cycles, 9 parameters, 168 observations" "D. Kahaner, C. Moler, S. Nash (1989)";
    "gauss1" "Gauss1" Peaks "two peaks on a decay, 8 parameters, 250 observations" "B. Rust (1996)";
    "gauss2" "Gauss2" Peaks "two close peaks on a decay, 8 parameters, 250 observations" "B. Rust (1996)";
    "gauss3" "Gauss3" Peaks "two blended peaks on a decay, 8 parameters, 250 observations" "B. Rust (1996)";
    "hahn1" "Hahn1" CubicRatio "thermal expansion: a ratio of cubics, 7 parameters, 236 observations" "T. Hahn (197?)";
    "kirby2" "Kirby2" QuadraticRatio "line widths: a ratio of quadratics, 5 parameters, 151 observations" "R. Kirby (197?)";
    "lanczos1" "Lanczos1" Lanczos "three exponentials to 13 digits, 6 parameters, 24 observations" "C. Lanczos (1956)";
    "lanczos2" "Lanczos2" Lanczos "three exponentials to 6 digits, 6 parameters, 24 observations" "C. Lanczos (1956)";
    "lanczos3" "Lanczos3" Lanczos "three exponentials to 5 digits, 6 parameters, 24 observations" "C. Lanczos (1956)";
    "mgh09" "MGH09" Kowalik "enzyme reaction: a ratio, 4 parameters, 11 observations" "J. S. Kowalik, M. R. Osborne (1978)";
    "mgh10" "MGH10" Meyer "a thermistor: badly scaled exponential, 3 parameters, 16 observations" "R. R. Meyer (1970)";
    "mgh17" "MGH17" Osborne "two exponentials, 5 parameters, 33 observations" "M. R. Osborne (1972)";
    "misra1a" "Misra1a" Saturation "adsorption: saturation, 2 parameters, 14 observations" "D. Misra (1978)";
    "misra1b" "Misra1b" Misra1b "adsorption: inverse square, 2 parameters, 14 observations" "D. Misra (1978)";
    "misra1c" "Misra1c" Misra1c "adsorption: inverse root, 2 parameters, 14 observations" "D. Misra (1978)";
    "misra1d" "Misra1d" Misra1d "adsorption: hyperbola, 2 parameters, 14 observations" "D. Misra (1978)";
    "nelson" "Nelson" Nelson "dielectric breakdown: logarithm of a double exponential, 3 parameters, 128 observations" "W. Nelson (1981)";
    "rat42" "Rat42" Logistic "growth of pasture: logistic, 3 parameters, 9 observations" "D. A. Ratkowsky (1983)";
    "rat43" "Rat43" Richards "growth of onions: Richards' curve, 4 parameters, 15 observations" "D. A. Ratkowsky (1983)";
    "roszman1" "Roszman1" Roszman "quantum defects: an arctangent, 4 parameters, 25 observations" "L. Roszman (19??)";
    "thurber" "Thurber" CubicRatio "electron mobility: a ratio of cubics, 7 parameters, 37 observations" "R. Thurber (197?)";
}

/// The regression that NIST calls `name`, at start 1 or 2.
///
/// ```
/// use optkit_core::Objective;
/// let mut f = optkit_functions::nist("Misra1a", 2)?;
/// assert_eq!(f.start(), [250.0, 0.0005]);
/// let minimum = &f.minima()[0];
/// let value = f.value(minimum.point.as_ref().unwrap());
/// assert!((value - minimum.value).abs() < 1e-9 * minimum.value);
/// # Ok::<(), optkit_functions::Error>(())
/// ```
pub fn nist(name: &str, start: usize) -> Result<Box<dyn TestFunction>, Error> {
    build(&format!("nist_{}", name.to_lowercase()), &[("start", start as f64)])
}

/// What NIST certifies of the regression that it calls `name`.
#[must_use]
pub fn certified(name: &str) -> Option<&'static Certified> {
    dataset::find(name).map(|data| &data.certified)
}
