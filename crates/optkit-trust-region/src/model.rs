//! Models of the objective around a point: m(s) = f(x) + gᵀs + ½ sᵀBs.

mod exact;
mod gradient;
mod lsr1;

use optkit_core::{
    Archive, Compact, LoadError, Objective, Operator, Restriction, Shape, StartError, Storage,
};

use crate::Scale;

pub use exact::Exact;
pub use gradient::Gradient;

/// Where B comes from.
///
/// A model works in the engine's scaled variables x̂ = Dx (see [`Scale`]): pairs come in scaled, and the B it hands
/// out is D⁻¹BD⁻¹.
pub trait Model: Send {
    /// What it can offer of B.
    fn form(&self) -> Form;

    /// Forget what was learnt; points have n entries from now on. Refuses an objective that lacks what it needs.
    fn start(&mut self, f: &mut dyn Objective) -> Result<(), StartError>;

    /// Begin with the matrix of the whole restricted to a part, in place of what was learnt.
    fn restrict(&mut self, _from: Restriction<'_>) {}

    /// True where it wants secant pairs.
    fn learns(&self) -> bool {
        false
    }

    /// The secant pair y ≈ ∇²f·s, with the relative error of the gradients that y is the difference of.
    fn learn(&mut self, _s: &[f64], _y: &[f64], _noise: f64) {}

    /// Hands B at `x` to `solve`, once.
    fn at(
        &mut self,
        f: &mut dyn Objective,
        x: &[f64],
        scale: &Scale,
        solve: &mut dyn FnMut(&mut dyn Operator),
    );

    /// B in compact form, where it is kept.
    fn compact(&self) -> Option<&dyn Compact> {
        None
    }

    /// The most columns that [`compact`](Self::compact) comes to have.
    fn most_columns(&self, _of: Shape) -> usize {
        0
    }

    /// The numbers that it will hold on an objective of this shape.
    fn storage(&self, _of: Shape) -> Storage {
        Storage::default()
    }

    /// What was learnt.
    fn save(&self, _archive: &mut Archive) {}

    /// The inverse of [`save`](Self::save), after [`start`](Self::start).
    fn load(&mut self, _archive: &Archive) -> Result<(), LoadError> {
        Ok(())
    }
}

/// What a subproblem solver needs of B, and what a model offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing: B = 0.
    Zero,
    /// Products Bv.
    Product,
    /// γI + ΨMΨᵀ, and products.
    Compact,
}

impl Form {
    /// True where a model of this form serves a solver that needs `needed`.
    #[must_use]
    pub fn offers(self, needed: Self) -> bool {
        match needed {
            Self::Zero => true,
            Self::Product => self != Self::Zero,
            Self::Compact => self == Self::Compact,
        }
    }
}
