//! Names of folders from labels: readable, the same everywhere, and different for different labels.

use sha2::{Digest, Sha256};

/// Names that Windows keeps for itself.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
/// Longest name made of a label alone; file systems allow 255 bytes.
const LONGEST: usize = 96;

/// `parts = 2, order = 1` as `parts=2,order=1`. Where letters had to be replaced, or the name cut, eight digits of the
/// label's SHA-256 tell it from others.
///
/// ```
/// use optkit::run_folder::safe_name;
/// assert_eq!(safe_name("apts, parts = 2"), "apts,parts=2");
/// assert_eq!(safe_name("adam, lr = 1e-3"), "adam,lr=1e-3");
/// assert_ne!(safe_name("a/b"), safe_name("a\\b"));
/// assert!(!safe_name("../../etc").contains('/'));
/// ```
#[must_use]
pub fn safe_name(label: &str) -> String {
    let plain = label.replace(" = ", "=").replace(", ", ",");
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "._+-=,".contains(c);
    let mut name: String = plain.chars().map(|c| if is_safe(c) { c } else { '_' }).take(LONGEST).collect();
    let reserved = RESERVED.contains(&name.to_ascii_lowercase().split('.').next().unwrap_or_default());
    if name.starts_with(['.', '-']) || name.is_empty() || reserved {
        name.insert(0, '_');
    }
    // Without capital letters in folders where these are the same as small ones: `A = 1` and `a = 1`.
    if name != plain || name.chars().any(|c| c.is_ascii_uppercase()) {
        let hash: String =
            Sha256::digest(label.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        name = format!("{name}~{hash}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_is_one_component_of_any_path(label in ".*") {
            let name = safe_name(&label);
            prop_assert!(name.len() <= LONGEST + 10 && !name.is_empty());
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-=,~".contains(c)), "{name}");
            prop_assert!(!name.starts_with('.') && !name.starts_with('-'));
        }

        #[test]
        fn labels_that_differ_have_names_that_differ_even_where_letters_have_no_size(
            a in "[a-cA-C/ =,]{0,6}", b in "[a-cA-C/ =,]{0,6}"
        ) {
            let tidy = |label: &str| label.replace(" = ", "=").replace(", ", ",");
            prop_assume!(tidy(&a) != tidy(&b));
            prop_assert_ne!(safe_name(&a).to_ascii_lowercase(), safe_name(&b).to_ascii_lowercase());
        }
    }

    #[test]
    fn reserved_and_odd_names_are_made_safe() {
        for odd in ["", ".", "..", "con", "NUL.txt", "-rf", "α = 1", "a\0b", "x\ny", &"long ".repeat(99)] {
            let name = safe_name(odd);
            assert!(name.contains('~') || name.starts_with('_'), "{odd:?} is {name}");
        }
    }
}
