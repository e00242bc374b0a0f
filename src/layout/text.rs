//! Messages that quote what somebody else wrote.

const LONGEST_LINE: usize = 200;
const MOST_LINES: usize = 16;

/// As much of a message as a screen has room for: long lines are cut, and of many lines the middle is left out.
pub fn screenful(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(shortened).collect();
    if lines.len() > MOST_LINES {
        let half = MOST_LINES / 2;
        lines.splice(half..lines.len() - half, ["…".to_owned()]);
    }
    lines.join("\n")
}

/// Its beginning and its end: what is wrong is often said last.
fn shortened(line: &str) -> String {
    let letters: Vec<char> = line.chars().collect();
    if letters.len() <= LONGEST_LINE {
        return line.to_owned();
    }
    let half = LONGEST_LINE / 2;
    let part = |letters: &[char]| letters.iter().collect::<String>();
    format!(
        "{} … {}",
        part(&letters[..half]),
        part(&letters[letters.len() - half..])
    )
}
