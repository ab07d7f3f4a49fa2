//! A point with what is known about it.

/// x, f(x), ∇f(x).
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) x: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
    /// ‖x‖∞.
    pub(super) size: f64,
    /// ‖∇f(x)‖∞, where the gradient is known: finite where all of it is.
    pub(super) slope: f64,
}

impl State {
    pub(super) fn resize(&mut self, n: usize) {
        self.x.resize(n, 0.0);
        self.gradient.resize(n, 0.0);
    }
}
