//! Reads a Rust file for the paths and words that it uses.
//!
//! It is read as tokens, so comments, strings and `#[cfg(test)]` items do not count, while grouped imports, `super`
//! chains and paths written out in code do.

/// One file: where it belongs and what it uses outside of tests.
pub struct Source {
    pub file: String,
    /// The top-level module that holds the file, or the file's own name if it lies at the root.
    pub layer: String,
    /// The file's module path; empty for `lib.rs` and `main.rs`.
    pub module: Vec<String>,
    /// Modules that it declares under `#[cfg(test)]` and keeps in files of their own.
    pub test_modules: Vec<Vec<String>>,
    pub uses: Vec<Use>,
}

/// A path, or a single word, as written in code; `super` and `self` are resolved to `crate`.
pub struct Use {
    pub line: usize,
    pub path: Vec<String>,
}

impl Source {
    pub fn parse(file: &str, text: &str) -> Self {
        let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
        let layer = module[0].clone();
        if module.last().is_some_and(|last| last == "mod") || inside == "lib" || inside == "main" {
            module.pop();
        }
        let (tokens, test_modules) = without_tests(lex(text));
        let test_modules = test_modules
            .into_iter()
            .map(|name| [&module[..], &[name.to_owned()]].concat())
            .collect();
        let mut uses = paths(&tokens);
        for used in &mut uses {
            resolve(&module, &mut used.path);
        }
        Source {
            file: file.to_owned(),
            layer,
            module,
            test_modules,
            uses,
        }
    }
}

/// Turns a path that begins with `self` or `super` into one that begins with `crate`.
fn resolve(module: &[String], path: &mut Vec<String>) {
    let ups = path
        .iter()
        .take_while(|segment| *segment == "self" || *segment == "super")
        .count();
    if ups > 0 {
        let supers = path[..ups].iter().filter(|segment| *segment == "super").count();
        let base = &module[..module.len().saturating_sub(supers)];
        path.splice(..ups, ["crate".to_owned()].into_iter().chain(base.iter().cloned()));
    }
}

#[derive(Clone, Copy)]
struct Token<'a> {
    line: usize,
    text: &'a str,
}

impl Token<'_> {
    fn is_word(self) -> bool {
        self.text.starts_with(is_word_char)
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words and signs of a source without comments and literals. A macro's `!` belongs to its name.
fn lex(source: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut line, mut rest) = (Vec::new(), 1, source);
    while let Some(first) = rest.chars().next() {
        let skipped = skipped_length(rest, first);
        let length = skipped.unwrap_or_else(|| token_length(rest, first));
        let (text, after) = rest.split_at(length);
        if skipped.is_none() {
            tokens.push(Token { line, text });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

fn token_length(rest: &str, first: char) -> usize {
    if is_word_char(first) {
        let end = rest.find(|c| !is_word_char(c)).unwrap_or(rest.len());
        let is_macro = rest[end..].starts_with('!') && !rest[end..].starts_with("!=");
        end + usize::from(is_macro)
    } else if rest.starts_with("::") || rest.starts_with("..") {
        2
    } else {
        first.len_utf8()
    }
}

/// The length of what stands here if it is no code: blanks, a comment, a string or a character.
fn skipped_length(rest: &str, first: char) -> Option<usize> {
    if first.is_whitespace() {
        Some(first.len_utf8())
    } else if rest.starts_with("//") {
        Some(rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        Some(block_comment_length(rest))
    } else if first == '"' || (first == '\'' && is_character(rest)) {
        Some(quoted_length(rest, first))
    } else {
        raw_string_length(rest)
    }
}

/// Told from a lifetime: an escape, or a quote right after one character.
fn is_character(rest: &str) -> bool {
    let mut after = rest.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let text = body.trim_start_matches('#').strip_prefix('"')?;
    let hashes = body.len() - text.len() - 1;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = text.find(&close).map_or(text.len(), |at| at + close.len());
    Some(rest.len() - text.len() + end)
}

fn block_comment_length(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest[at..].starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The tokens without items under `#[cfg(test)]`, and the names of those items that are `mod name;`.
fn without_tests(tokens: Vec<Token<'_>>) -> (Vec<Token<'_>>, Vec<&str>) {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if texts[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            let end = item_end(&texts, at + 7);
            if let ["mod", name, ";"] = texts[end.saturating_sub(3)..end] {
                modules.push(name);
            }
            at = end;
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    (kept, modules)
}

/// Where the item that begins here is over: past its `;` or its closing brace.
fn item_end(texts: &[&str], start: usize) -> usize {
    let mut depth = 0;
    for (at, text) in texts.iter().enumerate().skip(start) {
        match *text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if (depth == 0 && matches!(*text, "}" | ";")) || depth < 0 {
            return at + 1;
        }
    }
    texts.len()
}

/// Every path and lone word; a grouped import becomes one path per leaf. Fields and methods are left out.
fn paths(tokens: &[Token<'_>]) -> Vec<Use> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at].is_word() && (at == 0 || tokens[at - 1].text != ".") {
            at = path_at(tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads the path whose first word is at `at`, below `prefix`, and returns where it ends.
fn path_at(tokens: &[Token<'_>], mut at: usize, prefix: &[String], found: &mut Vec<Use>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut path = prefix.to_vec();
    loop {
        // `a::{self}` means `a`.
        if prefix.is_empty() || text(at) != "self" {
            path.push(text(at).to_owned());
        }
        let line = tokens[at].line;
        at += 1;
        let follows = tokens
            .get(at + 1)
            .is_some_and(|next| next.is_word() || next.text == "*");
        if text(at) == "::" && follows {
            at += 1;
        } else if text(at) == "::" && text(at + 1) == "{" {
            at += 2;
            while at < tokens.len() && text(at) != "}" {
                at = match text(at) {
                    "as" => at + 2,
                    "," => at + 1,
                    _ => path_at(tokens, at, &path, found),
                };
            }
            return at + 1;
        } else {
            found.push(Use { line, path });
            return at;
        }
    }
}

mod the_reader_sees {
    use super::*;

    /// Every path of more than one segment, after its line.
    fn paths_in(file: &str, text: &str) -> Vec<String> {
        let uses = Source::parse(file, text).uses;
        let shown = |used: &Use| format!("{} {}", used.line, used.path.join("::"));
        uses.iter().filter(|used| used.path.len() > 1).map(shown).collect()
    }

    #[test]
    fn every_leaf_of_a_group_on_its_line() {
        let text = "use crate::{\n a::{self, B as C},\n d::{e::*, F},\n};";
        let expected = ["2 crate::a", "2 crate::a::B", "3 crate::d::e::*", "3 crate::d::F"];
        assert_eq!(paths_in("src/media/x.rs", text), expected);
    }

    #[test]
    fn paths_in_code_and_in_generics() {
        let text = "fn f(a: u8) -> Vec<crate::a::B> { 0..g::<crate::c::D>(a as std::E); <T as h::I>::j() }";
        assert_eq!(
            paths_in("src/media/x.rs", text),
            ["1 crate::a::B", "1 crate::c::D", "1 std::E", "1 h::I"]
        );
    }

    #[test]
    fn super_from_where_the_file_stands() {
        let text = "use super::a; use super::super::b::C; use self::d;";
        assert_eq!(
            paths_in("src/av/x.rs", text),
            ["1 crate::av::a", "1 crate::b::C", "1 crate::av::x::d"]
        );
        assert_eq!(paths_in("src/av/mod.rs", "use super::a::B;"), ["1 crate::a::B"]);
        assert_eq!(paths_in("src/lib.rs", "use self::a::B;"), ["1 crate::a::B"]);
    }

    #[test]
    fn no_comments_strings_or_tests() {
        let text = r##"
            //! use a::b;
            /* a::b /* nested */ a::b */
            const A: &str = "a::b \" a::b"; const B: &str = r#"a::b " a::b"#; const C: (char, char) = ('"', '\'');
            fn f<'a>(x: &'a str) -> &'a str { x } // a::b
            #[cfg(test)]
            #[allow(dead_code)]
            mod tests { use a::b; fn g() -> [u8; 2] { a::b() } }
            #[cfg(test)]
            use a::{b, c};
            fn after() { seen::last() }"##;
        assert_eq!(paths_in("src/media/x.rs", text), ["11 seen::last"]);
    }
}
