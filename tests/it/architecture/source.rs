//! Reads a source file far enough to know which of our modules it names.

use std::collections::BTreeSet;

/// One file of `src/`.
pub struct Source {
    /// Below `src/`, with forward slashes.
    pub path: String,
    pub text: String,
}

/// What is left of a source text without its comments, strings and white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Word(String),
    PathSeparator,
    Mark(char),
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The top-level module this file belongs to; `None` for the crate's root.
    pub fn room(&self) -> Option<String> {
        self.module().into_iter().next()
    }

    /// The path of the module this file holds: `provider/check/pkce.rs` is `provider::check::pkce`.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        match path {
            "lib" | "main" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        }
    }

    pub fn tokens(&self) -> Vec<Token> {
        tokens(&self.text)
    }

    /// Every name that the file takes from the crate's root, by `crate::` or by enough `super::`.
    pub fn names_from_root(&self) -> BTreeSet<String> {
        let tokens = self.tokens();
        let mut names = BTreeSet::new();
        let mut module = self.module();
        let mut open_modules = Vec::new();
        let mut depth = 0_usize;
        for (at, token) in tokens.iter().enumerate() {
            let starts_path = at == 0 || tokens[at - 1] != Token::PathSeparator;
            let is_path = starts_path && tokens.get(at + 1) == Some(&Token::PathSeparator);
            match token {
                Token::Mark('{') => {
                    depth += 1;
                    if let Some(name) = inline_module(&tokens[..at]) {
                        module.push(name.to_owned());
                        open_modules.push(depth);
                    }
                }
                Token::Mark('}') => {
                    if open_modules.last() == Some(&depth) {
                        open_modules.pop();
                        module.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                Token::Word(word) if is_path && (word == "crate" || word == "donjon") => {
                    root_names(&tokens[at + 2..], Vec::new(), &mut names);
                }
                Token::Word(word) if is_path && word == "super" => {
                    root_names(&tokens[at..], module.clone(), &mut names);
                }
                _ => {}
            }
        }
        names
    }
}

/// The name in `mod name {`, if that is how these tokens end (before the brace).
fn inline_module(before: &[Token]) -> Option<&str> {
    match before {
        [.., Token::Word(keyword), Token::Word(name)] if keyword == "mod" => Some(name),
        _ => None,
    }
}

/// Follows a path or a `use` tree from `module` and notes what it names in the crate's root.
fn root_names(tree: &[Token], mut module: Vec<String>, names: &mut BTreeSet<String>) {
    match tree {
        [Token::Word(word), Token::PathSeparator, rest @ ..] if word == "super" => {
            module.pop();
            root_names(rest, module, names);
        }
        [Token::Mark('{'), rest @ ..] => {
            for branch in branches(rest) {
                root_names(branch, module.clone(), names);
            }
        }
        [Token::Word(name), ..] if module.is_empty() => {
            names.insert(name.clone());
        }
        [Token::Mark('*'), ..] if module.is_empty() => {
            names.insert("*".into());
        }
        _ => {}
    }
}

/// The branches of a `use` group, given what follows its opening brace.
fn branches(group: &[Token]) -> Vec<&[Token]> {
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, token) in group.iter().enumerate() {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') if depth == 0 => {
                found.push(&group[start..at]);
                break;
            }
            Token::Mark('}') => depth -= 1,
            Token::Mark(',') if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = string(rest) {
            length
        } else if rest.starts_with("::") {
            found.push(Token::PathSeparator);
            2
        } else if is_word(next) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            found.push(Token::Word(rest[..length].to_owned()));
            length
        } else {
            if !next.is_whitespace() {
                found.push(Token::Mark(next));
            }
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the block comment that `text` starts with; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the string or character literal that `text` starts with.
fn string(text: &str) -> Option<usize> {
    let unprefixed = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let prefix = text.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).unwrap_or(body.len().saturating_sub(end.len())) + end.len();
        return Some(prefix + 1 + hashes + 1 + length);
    }
    let quote = unprefixed.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    if quote == '\'' && is_lifetime(unprefixed) {
        return None;
    }
    let mut escaped = false;
    for (at, c) in unprefixed.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(prefix + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// `'a` is a lifetime, `'a'` a character.
fn is_lifetime(text: &str) -> bool {
    let mut after = text.chars().skip(1);
    let (first, second) = (after.next(), after.next());
    first.is_some_and(is_word) && second != Some('\'')
}
