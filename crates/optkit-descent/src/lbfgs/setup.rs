//! Settings of L-BFGS.

use optkit_core::StartError;

use crate::report::refuse;

/// Settings of [`Lbfgs`](crate::Lbfgs).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LbfgsOptions {
    /// Pairs kept; at least 1.
    pub memory: usize, // 10: Liu & Nocedal 1989 use 3 to 7, PyTorch's users 10
    /// Evaluations of value and gradient that a line search makes at the most; at least 2.
    pub max_evaluations: u32, // 20: Moré & Thuente's implementation
}

impl Default for LbfgsOptions {
    fn default() -> Self {
        Self { memory: 10, max_evaluations: 20 }
    }
}

impl LbfgsOptions {
    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    ///
    /// [`StartError::Setting`] names the first.
    #[allow(clippy::cast_precision_loss)] // small numbers
    pub fn validate(&self) -> Result<(), StartError> {
        if self.memory == 0 {
            return refuse("memory", 0.0, "at least 1");
        }
        if self.max_evaluations < 2 {
            return refuse("max_evaluations", f64::from(self.max_evaluations), "at least 2");
        }
        Ok(())
    }
}
