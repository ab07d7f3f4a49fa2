//! A file of the Statistical Reference Datasets, read.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::FILES;

/// What NIST certifies of a regression, to eleven digits.
///
/// ```
/// let misra = optkit_functions::certified("Misra1a").unwrap();
/// assert_eq!(misra.parameters, [2.3894212918e2, 5.5015643181e-4]);
/// assert_eq!(misra.residual_sum_of_squares, 1.2455138894e-1);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Certified {
    /// The two starts: the first far from the solution, the second near.
    pub starts: [Vec<f64>; 2],
    /// The parameters that minimise the sum of squares.
    pub parameters: Vec<f64>,
    /// Their standard deviations.
    pub standard_deviations: Vec<f64>,
    /// The sum of squares there.
    pub residual_sum_of_squares: f64,
    /// √(sum of squares / degrees of freedom).
    pub residual_standard_deviation: f64,
    /// Observations less parameters.
    pub degrees_of_freedom: usize,
}

/// A dataset with its certified values.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    /// y.
    pub(super) responses: Vec<f64>,
    /// x, or x₁ and x₂.
    pub(super) predictors: Vec<[f64; 2]>,
    pub(super) certified: Certified,
}

/// All datasets by NIST's names, read once.
static DATASETS: LazyLock<HashMap<&'static str, Dataset>> = LazyLock::new(|| {
    let read = |&(name, text): &(&'static str, &str)| {
        (name, Dataset::read(text).expect("the embedded files have NIST's layout, which tests check"))
    };
    FILES.iter().map(read).collect()
});

pub(super) fn find(name: &str) -> Option<&'static Dataset> {
    DATASETS.get(name)
}

impl Dataset {
    fn read(text: &str) -> Option<Self> {
        let mut starts = [Vec::new(), Vec::new()];
        let (mut parameters, mut standard_deviations) = (Vec::new(), Vec::new());
        let (mut certified, mut data) = (HashMap::new(), Vec::new());
        // Descriptions name parameters too, and end where the certified values begin.
        for line in text.lines().skip(40) {
            if let Some((label, value)) = line.split_once(':') {
                if let Some(value) = numbers(value) {
                    certified.insert(label.trim(), *value.first()?);
                }
            } else if let Some((_, values)) = line.split_once('=') {
                let [first, second, parameter, deviation] = numbers(values)?.try_into().ok()?;
                starts[0].push(first);
                starts[1].push(second);
                parameters.push(parameter);
                standard_deviations.push(deviation);
            } else if let Some(row) = numbers(line) {
                data.push(row);
            }
        }
        let value = |label: &str| certified.get(label).copied();
        if data.len() as f64 != value("Number of Observations")? {
            return None;
        }
        let degrees_of_freedom = data.len().checked_sub(parameters.len())?;
        Some(Self {
            responses: data.iter().map(|row| row[0]).collect(),
            predictors: data.iter().map(|row| [row[1], row.get(2).copied().unwrap_or(0.0)]).collect(),
            certified: Certified {
                starts,
                parameters,
                standard_deviations,
                residual_sum_of_squares: value("Residual Sum of Squares")?,
                residual_standard_deviation: value("Residual Standard Deviation")?,
                degrees_of_freedom,
            },
        })
    }
}

/// The numbers of a line that holds one at least and nothing else.
fn numbers(line: &str) -> Option<Vec<f64>> {
    let numbers: Option<Vec<f64>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
    numbers.filter(|numbers| !numbers.is_empty())
}
