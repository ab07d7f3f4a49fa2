//! Items (terms or variables) grouped by the set of parts that they belong to.
//!
//! What a part does not see is a sum over whole groups, so that one pass over the items serves every part, and
//! nothing is found by subtracting: differences would lose the digits that matter near a minimum.

use std::collections::HashMap;

use optkit_core::Subset;

/// Groups of items. For disjoint parts of variables: one a part, and one for what no part holds.
#[derive(Clone, Debug)]
pub(crate) struct Atoms {
    of_item: Vec<usize>,
    parts: Vec<Vec<usize>>,
}

impl Atoms {
    /// `touch` appends the parts that an item belongs to, in any order and as often as it likes.
    pub(crate) fn new(items: usize, mut touch: impl FnMut(usize, &mut Vec<usize>)) -> Self {
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut parts = Vec::new();
        let mut touched = Vec::new();
        let mut of_item = Vec::with_capacity(items);
        for item in 0..items {
            touched.clear();
            touch(item, &mut touched);
            touched.sort_unstable();
            touched.dedup();
            let atom = known.get(&touched).copied().unwrap_or_else(|| {
                known.insert(touched.clone(), parts.len());
                parts.push(touched.clone());
                parts.len() - 1
            });
            of_item.push(atom);
        }
        Self { of_item, parts }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The group of every item.
    pub(crate) fn of_items(&self) -> &[usize] {
        &self.of_item
    }

    /// The groups outside `part`, ascending.
    pub(crate) fn outside(&self, part: usize) -> impl Iterator<Item = usize> + '_ {
        let holds = move |atom: &usize| self.parts[*atom].binary_search(&part).is_ok();
        (0..self.len()).filter(move |atom| !holds(atom))
    }

    /// The items of every one of `parts` parts, ascending.
    pub(crate) fn items_by_part(&self, parts: usize) -> Vec<Vec<usize>> {
        let mut items = vec![Vec::new(); parts];
        for (item, &atom) in self.of_item.iter().enumerate() {
            for &part in &self.parts[atom] {
                items[part].push(item);
            }
        }
        items
    }
}

/// For every variable the parts that hold it, as one list with offsets.
pub(crate) struct Holders {
    offsets: Vec<usize>,
    parts: Vec<usize>,
}

impl Holders {
    pub(crate) fn new(dim: usize, subsets: &[Subset]) -> Self {
        let mut offsets = vec![0; dim + 1];
        for variable in subsets.iter().flat_map(Subset::indices) {
            offsets[variable + 1] += 1;
        }
        for variable in 0..dim {
            offsets[variable + 1] += offsets[variable];
        }
        let mut next = offsets.clone();
        let mut parts = vec![0; offsets[dim]];
        for (part, subset) in subsets.iter().enumerate() {
            for variable in subset.indices() {
                parts[next[variable]] = part;
                next[variable] += 1;
            }
        }
        Self { offsets, parts }
    }

    pub(crate) fn of(&self, variable: usize) -> &[usize] {
        &self.parts[self.offsets[variable]..self.offsets[variable + 1]]
    }
}

/// A sum with its rounding errors carried along (Neumaier 1974): exact to ε for terms of one sign, however many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CompensatedSum {
    sum: f64,
    error: f64,
}

impl CompensatedSum {
    pub(crate) fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.error +=
            if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        self.sum = sum;
    }

    pub(crate) fn total(self) -> f64 {
        // The error of an overflowed sum is NaN; the sum itself says infinite.
        if self.sum.is_finite() { self.sum + self.error } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_cover_what_a_part_does_not_see() {
        let subsets =
            [Subset::from_indices(6, &[0, 1, 4]).unwrap(), Subset::from_indices(6, &[1, 2]).unwrap()];
        let holders = Holders::new(6, &subsets);
        let atoms = Atoms::new(6, |variable, touched| touched.extend_from_slice(holders.of(variable)));
        assert_eq!(atoms.of_items(), [0, 1, 2, 3, 0, 3]);
        assert_eq!(atoms.outside(0).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(atoms.outside(1).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(atoms.items_by_part(2), [vec![0, 1, 4], vec![1, 2]]);
    }

    #[test]
    fn a_compensated_sum_keeps_what_a_plain_one_loses() {
        let mut sum = CompensatedSum::default();
        for term in [1.0, 1e100, 1.0, -1e100] {
            sum.add(term);
        }
        assert_eq!(sum.total(), 2.0);
    }
}
