//! Lines of thousands of points, drawn with the few that can be seen.
//!
//! First, of the points in one column of pixels, only the first, lowest, highest and last are kept (Jugel et al. 2014,
//! M4: the picture is the same). Then vertices go that lie within a tolerance of the line through their neighbours
//! (Ramer 1972; Douglas & Peucker 1973).

/// A place in pixels.
pub(crate) type Place = (f64, f64);

/// The indices of the vertices to keep, in order; the first and the last are among them. `line` ascends in x.
///
/// Every vertex that goes is at most `tolerance` from the line that stays, for lines with at most one vertex a column
/// of pixels.
pub(crate) fn simplify(line: &[Place], tolerance: f64) -> Vec<usize> {
    if line.len() <= 2 {
        return (0..line.len()).collect();
    }
    let kept = columns(line);
    let mut keep = vec![false; kept.len()];
    keep[0] = true;
    keep[kept.len() - 1] = true;
    let mut open = vec![(0, kept.len() - 1)];
    while let Some((from, to)) = open.pop() {
        let (a, b) = (line[kept[from]], line[kept[to]]);
        let furthest = (from + 1..to)
            .map(|k| (k, distance(line[kept[k]], a, b)))
            .max_by(|one, other| one.1.total_cmp(&other.1));
        if let Some((k, far)) = furthest.filter(|&(_, far)| far > tolerance) {
            debug_assert!(far.is_finite());
            keep[k] = true;
            open.extend([(from, k), (k, to)]);
        }
    }
    kept.into_iter().zip(keep).filter_map(|(index, keep)| keep.then_some(index)).collect()
}

/// First, lowest, highest and last of each column of pixels.
fn columns(line: &[Place]) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut from = 0;
    while from < line.len() {
        let column = line[from].0.floor();
        let to = from + line[from..].iter().take_while(|place| place.0.floor() <= column).count().max(1);
        let by_height = |a: &usize, b: &usize| line[*a].1.total_cmp(&line[*b].1);
        let mut four = [
            from,
            (from..to).min_by(by_height).unwrap_or(from),
            (from..to).max_by(by_height).unwrap_or(from),
            to - 1,
        ];
        four.sort_unstable();
        for index in four {
            if kept.last() != Some(&index) {
                kept.push(index);
            }
        }
        from = to;
    }
    kept
}

/// From a point to the segment between two others.
pub(crate) fn distance(p: Place, a: Place, b: Place) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let square = dx * dx + dy * dy;
    let along = if square > 0.0 { ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / square } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::{Place, distance, simplify};
    use proptest::prelude::*;

    fn far(line: &[Place], kept: &[usize], place: Place) -> f64 {
        kept.windows(2)
            .map(|pair| distance(place, line[pair[0]], line[pair[1]]))
            .fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn no_vertex_is_further_than_the_tolerance(heights in proptest::collection::vec(0.0..200.0_f64, 2..300)) {
            let line: Vec<Place> = heights.iter().enumerate().map(|(k, &y)| (k as f64 * 1.1, y)).collect();
            let kept = simplify(&line, 0.3);
            prop_assert_eq!((kept[0], kept[kept.len() - 1]), (0, line.len() - 1));
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            for &place in &line {
                prop_assert!(far(&line, &kept, place) <= 0.3 + 1e-9);
            }
        }

        #[test]
        fn thousands_of_points_become_four_a_column_with_the_same_heights(seed in 0_u64..50) {
            let height = |k: usize| ((k as f64) * 12.9898 + seed as f64).sin() * 100.0;
            let line: Vec<Place> = (0..20_000).map(|k| (k as f64 * 0.015, height(k))).collect();
            let kept = simplify(&line, 0.3);
            prop_assert!(kept.len() <= 4 * 301, "{}", kept.len());
            let highest = |places: &mut dyn Iterator<Item = f64>| places.fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!(
                highest(&mut kept.iter().map(|&k| line[k].1)),
                highest(&mut line.iter().map(|place| place.1))
            );
        }
    }

    #[test]
    fn a_straight_line_is_two_points() {
        let line: Vec<Place> = (0..100).map(|k| (f64::from(k), 3.0 * f64::from(k))).collect();
        assert_eq!(simplify(&line, 0.1), [0, 99]);
    }
}
