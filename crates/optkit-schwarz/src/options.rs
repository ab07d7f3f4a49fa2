//! Settings of APTS, and the presets that name them.

use optkit_trust_region::{self as trust_region, RadiusRule, Ratio};

/// Where the secant pairs of the global matrix come from on mini-batches; parts learn from their own steps, for one solve.
///
/// ```
/// use optkit_core::{Optimizer, StartError, from_fn};
/// use optkit_schwarz::{Apts, Options, PairsFrom, Partition};
///
/// let options = Options { pairs: PairsFrom::Overlap, ..Options::default() };
/// let mut apts = Apts::new(Partition::contiguous(2, 2).unwrap(), options);
/// // A function without mini-batches has none that share samples.
/// let mut f = from_fn(2, |x| x[0] + x[1], |_, g| g.fill(1.0));
/// assert_eq!(apts.start(&mut f, &[0.0; 2], None), Err(StartError::NoOverlap { method: "apts" }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PairsFrom {
    /// Steps within an iteration, with gradients of its batch: that of the parts together, and rejected trials.
    #[default]
    Batch,
    /// The step of a whole iteration, with gradients over the samples that its batch shares with the next (Berahas, Nocedal
    /// & Takáč 2016), which cost 2·|O|/N gradient equivalents; where two batches share none, no pair.
    Overlap,
}

/// Settings of [`Apts`](crate::Apts).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Initial radius Δ_G.
    pub radius: f64,
    /// What becomes of Δ_G; its `shrink` and `min_radius` serve the forced decrease too.
    pub rule: RadiusRule,
    /// Forced decreasing loss.
    pub fdl: bool,
    /// How reductions are predicted, in the local and the global solver; `PaperCode` also accepts the last try of
    /// the forced decrease where that raises the loss, as the authors' code does.
    pub ratio: Ratio,
    /// ν, iterations of each local solve.
    pub local_iterations: u32,
    /// Iterations of the global solve.
    pub global_iterations: u32,
    /// Where secant pairs come from, for global solvers that learn them.
    pub pairs: PairsFrom,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            radius: 1.0,
            rule: RadiusRule::default(),
            fdl: true,
            ratio: Ratio::Model,
            local_iterations: 5, // Trotti et al. 2023, §3.1
            global_iterations: 1,
            pairs: PairsFrom::Batch,
        }
    }
}

impl Options {
    /// The settings of the paper's section 3.1, for networks.
    #[must_use]
    pub fn paper() -> Self {
        let rule = RadiusRule { min_radius: 1e-4, max_radius: 0.1, ..RadiusRule::default() };
        Self { radius: 0.01, rule, ..Self::default() }
    }

    /// The authors' code: the paper's settings with their ratio and acceptance.
    #[must_use]
    pub fn ml_apts() -> Self {
        Self { ratio: Ratio::PaperCode, ..Self::paper() }
    }

    fn engine(&self, rule: RadiusRule, radius: f64) -> trust_region::Options {
        trust_region::Options { radius, rule, ratio: self.ratio, ..trust_region::Options::default() }
    }

    /// The local solver's settings: the radius rule of Δ_G without its limits, for Δ_G itself caps every step.
    #[must_use]
    pub fn local(&self) -> trust_region::Options {
        let rule = RadiusRule { min_radius: 0.0, max_radius: f64::INFINITY, ..self.rule };
        self.engine(rule, self.radius)
    }

    /// The global solver's settings.
    #[must_use]
    pub fn global(&self) -> trust_region::Options {
        self.engine(self.rule, self.radius)
    }
}
