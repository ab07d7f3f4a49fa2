//! Did you mean …?

/// The candidate closest to `word`, if one is close enough to be meant.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised_and_other_words_are_not() {
        let words = ["radius", "min_radius", "fdl", "order"];
        assert_eq!(closest("raduis", words), Some("radius"));
        assert_eq!(closest("fld", words), Some("fdl"));
        assert_eq!(closest("FDL", words), Some("fdl"));
        assert_eq!(closest("momentum", words), None);
        assert_eq!(closest("", words), None);
    }
}
