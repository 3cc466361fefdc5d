//! Every message of the command is in a snapshot, so that its reviewer has read it as a user does.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream};

/// Messages that no test provokes, each with the reason. Keep this list short.
const EXCEPT: &[(&str, &str)] = &[
    ("the command has no output", "the library always makes the pipe that was asked for"),
    ("allowed is lz4: this sv2 is built without zstd", "the tests build it with zstd"),
];

#[test]
fn messages_are_in_snapshots() {
    let shown = shown();
    let said = sources("src")
        .into_iter()
        .flat_map(|(name, text)| literals(&text).into_iter().map(move |literal| (name.clone(), literal)));
    let missing: Vec<(String, String)> = said.filter(|(_, text)| !is_shown(text, &shown)).collect();
    let is_except = |text: &str| EXCEPT.iter().any(|(except, _)| *except == text);
    let list: Vec<String> = missing
        .iter()
        .filter(|(_, text)| !is_except(text))
        .map(|(name, text)| format!("{name}: {text:?}"))
        .collect();
    assert!(list.is_empty(), "{} messages are in no snapshot:\n{}", list.len(), list.join("\n"));
    for (except, reason) in EXCEPT {
        let is_needed = missing.iter().any(|(_, text)| text == except);
        assert!(is_needed, "{except:?} needs no exception: {reason}");
    }
}

#[test]
fn a_planted_message_is_found() {
    const PLANTED: &str = r#"
        //! A comment is "not a message".
        #[expect(dead_code, reason = "and neither is a reason")]
        fn planted(name: &str) -> String {
            match name { "one" => format!("{name}: was pl\"anted \
                     here{{}} {}", 1), _ => "two words".into() }
        }
        #[cfg(not(unix))]
        fn elsewhere() -> &'static str { "on another system" }
        #[cfg(test)]
        mod tests { #[test] fn t() { insta::assert_snapshot!(planted("a b"), @"two words"); } }
    "#;
    let found = literals(PLANTED);
    assert_eq!(found, ["one", "{name}: was pl\"anted here{{}} {}", "two words"]);
    let shown = inline(PLANTED);
    assert_eq!(shown, ["two words"]);
    let missing = |shown: &[&str]| -> Vec<bool> {
        let shown: Vec<String> = shown.iter().map(|line| (*line).to_owned()).collect();
        found.iter().map(|text| !is_shown(text, &shown)).collect()
    };
    assert_eq!(missing(&["two words"]), [false, true, false]);
    assert_eq!(missing(&["a: was pl\"anted here{}", "two", "words"]), [false, true, true]);
    assert_eq!(missing(&["1 a: was pl\"anted here{} 1", "two words more"]), [false; 3]);
}

/// Returns all sources below a folder of the package, with their names.
fn sources(folder: &str) -> Vec<(String, String)> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "rs")
}

fn files(folder: &Path, extension: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| match path.is_dir() {
            true => files(&path, extension),
            false if path.extension().is_some_and(|found| found == extension) => {
                vec![(path.to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())]
            }
            false => Vec::new(),
        })
        .collect()
}

/// Returns the lines of all snapshots: in their files, and in the tests.
fn shown() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stored = ["src", "tests"].into_iter().flat_map(|part| files(&folder.join(part), "snap"));
    let stored = stored.map(|(_, text)| text.splitn(3, "---\n").nth(2).unwrap().to_owned());
    let tests = ["src", "tests"].into_iter().flat_map(sources).flat_map(|(_, text)| inline(&text));
    stored.chain(tests).flat_map(|text| text.lines().map(one_space).collect::<Vec<_>>()).collect()
}

/// Returns whether each line of a text that has two words in a row is in a line of a snapshot.
///
/// What the program fills in may be anything.
fn is_shown(text: &str, shown: &[String]) -> bool {
    text.lines().all(|line| {
        let parts = constants(&one_space(line));
        let has_words = parts.iter().any(|part| part.trim().contains(' '));
        !has_words || shown.iter().any(|shown| holds(shown, &parts))
    })
}

fn holds(line: &str, parts: &[String]) -> bool {
    let mut rest = Some(line);
    for part in parts {
        rest = rest.and_then(|rest| rest.split_once(part.as_str())).map(|(_, rest)| rest);
    }
    rest.is_some()
}

fn one_space(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.join(" ")
}

/// Returns the parts of a format that the program prints as they are.
fn constants(format: &str) -> Vec<String> {
    let (mut parts, mut chars) = (vec![String::new()], format.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '{' | '}' if chars.next_if_eq(&char).is_some() => parts.last_mut().unwrap().push(char),
            '{' => {
                chars.by_ref().find(|char| *char == '}');
                parts.push(String::new());
            }
            char => parts.last_mut().unwrap().push(char),
        }
    }
    parts
}

/// Returns the texts in a source: all string literals but those of attributes, comments and tests.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(TokenStream::from_str(source).unwrap(), Part::Program, &mut found);
    found
}

/// Returns the inline snapshots in a source.
fn inline(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(TokenStream::from_str(source).unwrap(), Part::Snapshots, &mut found);
    found
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Program,
    Snapshots,
}

fn walk(tokens: TokenStream, part: Part, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut follows_at = false;
    while let Some(token) = tokens.next() {
        let is_wanted = part == Part::Program || follows_at;
        follows_at = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '@');
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => take_attribute(&mut tokens, part),
            TokenTree::Group(group) => walk(group.stream(), part, found),
            TokenTree::Literal(literal) if is_wanted => found.extend(text(&literal.to_string())),
            _ => {}
        }
    }
}

type Tokens = Peekable<token_stream::IntoIter>;

/// Takes an attribute, and the item after it if that is not of this part.
fn take_attribute(tokens: &mut Tokens, part: Part) {
    if is_skipped(&attribute(tokens)) && part == Part::Program {
        skip_item(tokens);
    }
}

/// Takes the rest of an attribute. Without one, `#` was something else.
fn attribute(tokens: &mut Tokens) -> String {
    let _ = tokens.next_if(|next| matches!(next, TokenTree::Punct(punct) if punct.as_char() == '!'));
    let is_group =
        |next: &TokenTree| matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket);
    tokens.next_if(is_group).map(|group| group.to_string()).unwrap_or_default()
}

/// Returns whether the item after an attribute is of a test, or of a system that these tests do not
/// run on.
fn is_skipped(attribute: &str) -> bool {
    let attribute: String = attribute.split_whitespace().collect();
    ["[cfg(test)]", "[cfg(all(test,", "[cfg(not(unix))]", "[cfg(windows)]"]
        .iter()
        .any(|skipped| attribute.starts_with(skipped))
}

/// Takes an item or a statement up to its end, a block or a semicolon.
fn skip_item(tokens: &mut Tokens) {
    tokens.find(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    });
}

/// Returns the text of a string literal, or nothing for another literal.
fn text(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        return raw.trim_matches('#').strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    }
    let (mut text, mut chars) = (String::new(), literal.strip_prefix('"')?.strip_suffix('"')?.chars());
    while let Some(char) = chars.next() {
        if char != '\\' {
            text.push(char);
            continue;
        }
        match chars.next()? {
            'n' => text.push('\n'),
            // The text goes on at the next character that is not a space.
            '\n' => chars = chars.as_str().trim_start().chars(),
            'u' => {
                let (digits, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                chars = rest.chars();
            }
            char => text.push(char),
        }
    }
    Some(text)
}
