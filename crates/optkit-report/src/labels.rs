//! The words beside the lines: short enough for the margin, and none over another.

/// What stands at the ends of the lines: the labels themselves where all are short, else letters that the legend
/// explains.
pub(crate) fn direct(labels: &[String]) -> Vec<String> {
    if labels.iter().all(|label| label.chars().count() <= 12) {
        return labels.to_vec();
    }
    (0..labels.len()).map(letter).collect()
}

/// a, b, …, z, aa, ab, …
fn letter(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'a' + u8::try_from(index % 26).unwrap_or(0)));
        if index < 26 {
            return letters.iter().rev().collect();
        }
        index = index / 26 - 1;
    }
}

/// About how wide a text of a usual sans-serif letter of `size` pixels is; rather too wide than too narrow.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let wide = |letter: char| match letter {
        'i' | 'l' | 'j' | '.' | ',' | ':' | ';' | '|' | '\'' | ' ' | '(' | ')' => 0.38,
        'm' | 'w' | 'M' | 'W' | '…' | '@' => 0.95,
        'A'..='Z' => 0.72,
        _ if letter.is_ascii() || u32::from(letter) < 0x1100 => 0.63,
        _ => 1.0,
    };
    text.chars().map(wide).sum::<f64>() * size
}

/// As much of a text as is `room` wide in letters of 11 pixels.
pub(crate) fn fit(text: &str, room: f64) -> String {
    let mut letters = text.chars().count();
    while letters > 1 && width(&crate::escape::cut(text, letters), 11.0) > room {
        letters -= 1;
    }
    crate::escape::cut(text, letters)
}

/// Moves places apart until neighbours have `distance` between them, within `low..=high`, each as little as may be.
///
/// Without room for all they are even distances apart.
pub(crate) fn spread(places: &mut [f64], distance: f64, low: f64, high: f64) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let count = order.len();
    if count > 1 && distance * (count - 1) as f64 > high - low {
        for (k, &index) in order.iter().enumerate() {
            places[index] = low + (high - low) * k as f64 / (count - 1) as f64;
        }
        return;
    }
    // Clusters of touching labels, each around the mean of where its labels want to be.
    let mut clusters: Vec<(f64, usize)> = Vec::new(); // sum of wishes for the first label, labels
    let start = |(sum, size): (f64, usize)| {
        let room = distance * (size - 1) as f64;
        (sum / size as f64).clamp(low, (high - room).max(low))
    };
    for &index in &order {
        let mut cluster = (places[index].clamp(low, high), 1);
        while let Some(&before) = clusters.last() {
            if start(before) + distance * before.1 as f64 <= start(cluster) {
                break;
            }
            clusters.pop();
            // The wishes of the later labels, for where the first of the joint cluster would be.
            cluster = (before.0 + cluster.0 - distance * (before.1 * cluster.1) as f64, before.1 + cluster.1);
        }
        clusters.push(cluster);
    }
    let mut next = order.into_iter();
    for cluster in clusters {
        for (k, index) in next.by_ref().take(cluster.1).enumerate() {
            places[index] = start(cluster) + distance * k as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{direct, letter, spread};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_keep_their_distance_their_order_and_the_frame(
            wishes in proptest::collection::vec(-50.0..300.0_f64, 1..20)
        ) {
            let mut places = wishes.clone();
            spread(&mut places, 12.0, 10.0, 250.0);
            let mut order: Vec<usize> = (0..wishes.len()).collect();
            order.sort_by(|&a, &b| wishes[a].total_cmp(&wishes[b]));
            for pair in order.windows(2) {
                prop_assert!(places[pair[1]] - places[pair[0]] >= 12.0 - 1e-9, "{places:?}");
            }
            prop_assert!(places.iter().all(|&y| (10.0 - 1e-9..=250.0 + 1e-9).contains(&y)), "{places:?}");
        }
    }

    #[test]
    fn labels_that_do_not_touch_stay() {
        let mut places = [100.0, 20.0, 60.0];
        spread(&mut places, 12.0, 0.0, 200.0);
        assert_eq!(places, [100.0, 20.0, 60.0]);
    }

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 25, 26, 27, 701, 702].map(letter), ["a", "z", "aa", "ab", "zz", "aaa"]);
        assert_eq!(direct(&["adam".to_owned(), "gd".to_owned()]), ["adam", "gd"]);
        assert_eq!(direct(&["adam".to_owned(), "apts, parts = 2".to_owned()]), ["a", "b"]);
    }
}
