//! The models that NIST fits, as its files state them; x₂ is 0 where there is one predictor.

use std::f64::consts::PI;

use super::Model;
use crate::number::Number;

/// A model: its name, the predictors x, and the parameters with the formula.
macro_rules! model {
    ($name:ident, $width:literal, $x:pat, $b:pat => $formula:expr) => {
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $name;

        impl Model<$width> for $name {
            fn predict<T: Number>(self, $x: [f64; 2], $b: [T; $width]) -> T {
                $formula
            }
        }
    };
}

model!(Saturation, 2, [x, _], [b1, b2] => -(b1 * (b2 * -x).exp_m1()));
model!(Misra1b, 2, [x, _], [b1, b2] => b1 * (-(T::constant(1.0) / (b2 * (x / 2.0) + 1.0).squared()) + 1.0));
model!(Misra1c, 2, [x, _], [b1, b2] => b1 * (-(T::constant(1.0) / (b2 * (2.0 * x) + 1.0).sqrt()) + 1.0));
model!(Misra1d, 2, [x, _], [b1, b2] => {
    let dose = b2 * x;
    b1 * dose / (dose + 1.0)
});
model!(Power, 2, [x, _], [b1, b2] => b1 * (b2 * x.ln()).exp());
model!(Chwirut, 3, [x, _], [b1, b2, b3] => (b1 * -x).exp() / (b2 + b3 * x));
model!(Bennett, 3, [x, _], [b1, b2, b3] => b1 * (-((b2 + x).ln() / b3)).exp());
model!(Eckerle, 3, [x, _], [b1, b2, b3] => b1 / b2 * (((b3 - x) / b2).squared() * -0.5).exp());
model!(Meyer, 3, [x, _], [b1, b2, b3] => b1 * (b2 / (b3 + x)).exp());
model!(Logistic, 3, [x, _], [b1, b2, b3] => b1 / ((b2 - b3 * x).exp() + 1.0));
model!(Richards, 4, [x, _], [b1, b2, b3, b4] => b1 * (-(((b2 - b3 * x).exp() + 1.0).ln() / b4)).exp());
model!(Kowalik, 4, [x, _], [b1, b2, b3, b4] => b1 * (b2 * x + x * x) / (b3 * x + x * x + b4));
model!(Roszman, 4, [x, _], [b1, b2, b3, b4] => b1 - b2 * x - (b3 / (-b4 + x)).atan() / PI);
model!(Osborne, 5, [x, _], [b1, b2, b3, b4, b5] => b1 + b2 * (b4 * -x).exp() + b3 * (b5 * -x).exp());
model!(QuadraticRatio, 5, [x, _], [b1, b2, b3, b4, b5] => ((b3 * x + b2) * x + b1) / ((b5 * x + b4) * x + 1.0));
model!(CubicRatio, 7, [x, _], [b1, b2, b3, b4, b5, b6, b7] => {
    (((b4 * x + b3) * x + b2) * x + b1) / (((b7 * x + b6) * x + b5) * x + 1.0)
});
model!(Lanczos, 6, [x, _], [b1, b2, b3, b4, b5, b6] => {
    b1 * (b2 * -x).exp() + b3 * (b4 * -x).exp() + b5 * (b6 * -x).exp()
});
model!(Peaks, 8, [x, _], [b1, b2, b3, b4, b5, b6, b7, b8] => {
    let peak = |height: T, centre: T, width: T| height * (-((centre - x) / width).squared()).exp();
    b1 * (b2 * -x).exp() + peak(b3, b4, b5) + peak(b6, b7, b8)
});
model!(Cycles, 9, [x, _], [b1, b2, b3, b4, b5, b6, b7, b8, b9] => {
    let wave = |period: T, cosine: T, sine: T| {
        let angle = T::constant(2.0 * PI * x) / period;
        cosine * angle.cos() + sine * angle.sin()
    };
    b1 + wave(T::constant(12.0), b2, b3) + wave(b4, b5, b6) + wave(b7, b8, b9)
});

/// Fitted to the logarithm of the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nelson;

impl Model<3> for Nelson {
    fn predict<T: Number>(self, [x1, x2]: [f64; 2], [b1, b2, b3]: [T; 3]) -> T {
        b1 - b2 * x1 * (b3 * -x2).exp()
    }
    fn response(self, y: f64) -> f64 {
        y.ln()
    }
}
