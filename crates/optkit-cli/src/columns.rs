//! Running text in a column of its own, so that nothing is wider than a terminal of 80 columns.

use std::io::{self, Write};

/// Columns of the narrowest terminal that output is made for.
const TERMINAL: usize = 80;

/// `text` in lines of at most `width` characters; a longer word has a line of its own.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("one line at least");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// `left`, indented, and `text` in a column that begins at `at`; below `left` where that is too long.
pub(crate) fn write(
    out: &mut impl Write,
    indent: usize,
    at: usize,
    left: &str,
    text: &str,
) -> io::Result<()> {
    let mut head = format!("{:indent$}{left}", "");
    if head.chars().count() + 2 > at {
        writeln!(out, "{head}")?;
        head = String::new();
    }
    for line in wrapped(text, TERMINAL - at) {
        writeln!(out, "{}", format!("{head:<at$}{line}").trim_end())?;
        head = String::new();
    }
    Ok(())
}

/// Paragraphs as they are, but for lines that are too long; indented lines are examples and stay.
pub(crate) fn paragraphs(out: &mut impl Write, text: &str) -> io::Result<()> {
    for line in text.lines() {
        if line.starts_with(' ') || line.chars().count() <= TERMINAL {
            writeln!(out, "{line}")?;
            continue;
        }
        for line in wrapped(line, TERMINAL) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// 26506 as 26,506.
pub(crate) fn grouped(n: impl ToString + Copy) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 thread`, `2 threads`.
pub(crate) fn counted(n: impl ToString + Copy, thing: &str) -> String {
    let n = grouped(n);
    let plural = if n == "1" { "" } else { "s" };
    format!("{n} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(left: &str, text: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, 2, 20, left, text).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_word_is_lost() {
        let text = "forced decreasing loss ".repeat(20);
        let out = columns("fdl", &text);
        assert!(out.lines().all(|line| line.chars().count() <= TERMINAL), "{out}");
        assert_eq!(
            out.split_whitespace().skip(1).collect::<Vec<_>>(),
            text.split_whitespace().collect::<Vec<_>>()
        );
        assert!(out.lines().skip(1).all(|line| line.starts_with(&" ".repeat(20))), "{out}");
    }

    #[test]
    fn a_long_word_on_the_left_has_its_own_line() {
        assert_eq!(
            columns("quadratic(n = 100, condition = 100)", "convex"),
            format!("  quadratic(n = 100, condition = 100)\n{:20}convex\n", "")
        );
        assert_eq!(columns("wood", ""), "  wood\n");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(26_506), "26,506");
        assert_eq!(grouped(506), "506");
        assert_eq!(counted(1, "thread"), "1 thread");
        assert_eq!(counted(1_000, "variable"), "1,000 variables");
    }
}
