//! Text of others inside HTML, SVG, JSON in HTML, and file names.

/// `text` as HTML and XML show it, in element content and in attributes in double quotes.
///
/// Letters that XML forbids, and those that turn the direction of what follows, become �.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(letter),
            '\r' => {}
            _ if letter.is_control() || is_unseen(letter) => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

/// JSON as it may stand in a `script` element: no `</script>`, no `<!--`.
pub(crate) fn json(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// `text` as a part of a file name on every system; never empty.
pub(crate) fn file_part(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars().take(60) {
        if letter.is_ascii_alphanumeric() {
            out.push(letter.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    if out.is_empty() { "figure".to_owned() } else { out.to_owned() }
}

/// The text cut to `letters`, with … where something went.
pub(crate) fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// Marks of direction, and code points that are no letters.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || u32::from(letter) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::{cut, file_part, json, text};

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(text("<b a=\"'\">&"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;");
        assert_eq!(text("a\u{0}b\u{202e}c\u{ffff}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(json("{\"a\":\"</script><!--\"}"), "{\"a\":\"\\u003c/script>\\u003c!--\"}");
        assert_eq!(file_part("../../Fig 1a: Größe"), "fig_1a_gr_e");
        assert_eq!(file_part("∇"), "figure");
        assert_eq!(cut("gradient", 5), "grad…");
        assert_eq!(cut("adam", 4), "adam");
    }
}
