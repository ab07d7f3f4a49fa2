//! All functions, a row each.

use std::iter;

use optkit_core::vocabulary::{Entry, Operand, Support};

use crate::{Error, NIST, Operands, TestFunction, operands::listed};
use crate::{
    ackley, bard, beale, biggs_exp6, booth, box_3d, branin, brown_almost_linear, brown_badly_scaled,
    brown_dennis, broyden_banded, broyden_tridiagonal, chebyquad, discrete_boundary_value,
    discrete_integral_equation, dixon_price, extended_rosenbrock, freudenstein_roth, gaussian,
    goldstein_price, griewank, gulf, helical_valley, himmelblau, jennrich_sampson, kowalik_osborne, levy,
    linear_full_rank, linear_rank_one, linear_rank_one_with_zeros, matyas, meyer, osborne_1, osborne_2,
    penalty_1, penalty_2, powell_badly_scaled, powell_singular, quadratic, rastrigin, rosenbrock,
    six_hump_camel, styblinski_tang, three_hump_camel, trid, trigonometric, variably_dimensioned, watson,
    wood, zakharov,
};

/// A function: its word in the language, how to make it, where it is from.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Name, operands with defaults, and a line of description.
    pub entry: Entry,
    /// Makes it.
    pub build: fn(&Operands) -> Result<Box<dyn TestFunction>, Error>,
    /// The publication that defines it.
    pub source: &'static str,
}

/// The entry of a function.
pub(crate) const fn function(name: &'static str, doc: &'static str, operands: &'static [Operand]) -> Entry {
    Entry { name, doc, operands, settings: &[], slots: &[], support: Support::Available }
}

/// A source in the collection of Moré, Garbow and Hillstrom.
macro_rules! mgh {
    ($place:literal) => {
        concat!(
            "J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ",
            "ACM TOMS 7 (1981), ",
            $place
        )
    };
}
pub(crate) use mgh;

/// The classics, by name. The regressions of NIST stand in [`NIST`].
///
/// A static and not a constant: what a constant refers to is compiled anew in every crate that names it.
pub static CATALOG: &[Row] = &[
    ackley::ROW,
    bard::ROW,
    beale::ROW,
    biggs_exp6::ROW,
    booth::ROW,
    box_3d::ROW,
    branin::ROW,
    brown_almost_linear::ROW,
    brown_badly_scaled::ROW,
    brown_dennis::ROW,
    broyden_banded::ROW,
    broyden_tridiagonal::ROW,
    chebyquad::ROW,
    discrete_boundary_value::ROW,
    discrete_integral_equation::ROW,
    dixon_price::ROW,
    extended_rosenbrock::ROW,
    freudenstein_roth::ROW,
    gaussian::ROW,
    goldstein_price::ROW,
    griewank::ROW,
    gulf::ROW,
    helical_valley::ROW,
    himmelblau::ROW,
    jennrich_sampson::ROW,
    kowalik_osborne::ROW,
    levy::ROW,
    linear_full_rank::ROW,
    linear_rank_one::ROW,
    linear_rank_one_with_zeros::ROW,
    matyas::ROW,
    meyer::ROW,
    osborne_1::ROW,
    osborne_2::ROW,
    penalty_1::ROW,
    penalty_2::ROW,
    powell_badly_scaled::ROW,
    powell_singular::ROW,
    quadratic::ROW,
    rastrigin::ROW,
    rosenbrock::ROW,
    six_hump_camel::ROW,
    styblinski_tang::ROW,
    three_hump_camel::ROW,
    trid::ROW,
    trigonometric::ROW,
    variably_dimensioned::ROW,
    watson::ROW,
    wood::ROW,
    zakharov::ROW,
];

fn rows() -> impl Iterator<Item = &'static Row> {
    CATALOG.iter().chain(NIST)
}

/// The row called `name`, a classic's or a regression's.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.entry.name == name)
}

/// The function called `name` with the operands `given`, the others at their defaults.
///
/// ```
/// let f = optkit_functions::build("powell_singular", &[("n", 8.0)])?;
/// assert_eq!(f.dim(), 8);
/// let refused = optkit_functions::build("powell_singular", &[("n", 10.0)]).map(|_| ());
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "`n` of `powell_singular` is 10, but must be a multiple of 4 (8 or 12, say)",
/// );
/// # Ok::<(), optkit_functions::Error>(())
/// ```
pub fn build(name: &str, given: &[(&str, f64)]) -> Result<Box<dyn TestFunction>, Error> {
    let row = find(name).ok_or_else(|| Error::UnknownFunction {
        name: name.to_owned(),
        known: listed(CATALOG.iter().map(|row| row.entry.name).chain(iter::once("nist_…"))),
    })?;
    (row.build)(&Operands::resolve(&row.entry, given)?)
}

/// The entries of [`CATALOG`] and [`NIST`], for a [`Vocabulary`](optkit_core::vocabulary::Vocabulary).
#[must_use]
pub fn entries() -> Vec<Entry> {
    rows().map(|row| row.entry).collect()
}
