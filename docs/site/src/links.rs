//! Links between pages, and mentions of requirements and sections that become links.

use anyhow::{Context, Result, bail};
use mdbook_driver::book::{Book, Chapter};
use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use regex::Regex;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

static MENTION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"SV2-[A-Z]+-[0-9]{3}|§[0-9]+(\.[0-9]+)?|Appendix [A-D]\b"));
static NUMBERED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(SV2-[A-Z]+-[0-9]{3})$|^(Appendix [A-D])\. |^([0-9]+(?:\.[0-9]+)?)\. "));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|fault| panic!("{fault}"))
}

/// What the heading of a requirement, a section or an appendix is mentioned by, without the §.
pub fn numbered(heading: &str) -> Option<&str> {
    let found = NUMBERED.captures(heading)?;
    found.iter().skip(1).flatten().next().map(|group| group.as_str())
}

/// The id that mdbook and GitHub give to a heading.
pub fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// `path` of a file in `folder`, without `..`.
pub fn resolve(folder: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

pub struct Links<'a> {
    root: &'a Path,
    files: Option<&'a str>,
    /// Source and id, with the page of each.
    ids: HashMap<(PathBuf, String), PathBuf>,
    /// Page and id of what can be mentioned.
    mentioned: HashMap<String, String>,
    /// Sources that number their sections themselves. There, § is not the specification's.
    own_numbers: HashSet<PathBuf>,
    /// Images that were seen.
    pub images: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Links<'a> {
    pub fn new(book: &Book, root: &'a Path, files: Option<&'a str>) -> Self {
        let mut links = Self {
            root,
            files,
            ids: HashMap::new(),
            mentioned: HashMap::new(),
            own_numbers: HashSet::new(),
            images: RefCell::default(),
        };
        for chapter in book.chapters() {
            let (Some(source), Some(path)) = (&chapter.source_path, &chapter.path) else { continue };
            let page = path.with_extension("html");
            links.ids.entry((source.clone(), String::new())).or_insert(page.clone());
            for heading in headings(&chapter.content) {
                let id = slug(&heading);
                if let Some(number) = numbered(&heading) {
                    if source == Path::new(super::SPECIFICATION) {
                        links.mentioned.insert(number.into(), format!("{}#{id}", page.display()));
                    } else {
                        links.own_numbers.insert(source.clone());
                    }
                }
                links.ids.entry((source.clone(), id)).or_insert(page.clone());
            }
        }
        links
    }

    /// The text of a page with links that are right on the site.
    pub fn rewritten(&self, chapter: &Chapter) -> Result<String> {
        let (Some(source), Some(path)) = (&chapter.source_path, &chapter.path) else {
            bail!("{chapter}: has no file")
        };
        let up = "../".repeat(path.components().count() - 1);
        let text = &chapter.content;
        let mut edits = Vec::new();
        // Depth of links, headings and code, where nothing becomes a link.
        let mut fixed = 0;
        for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url: to, .. })
                | Event::Start(Tag::Image { dest_url: to, .. }) => {
                    fixed += 1;
                    if to.contains(':') {
                        continue;
                    }
                    let at =
                        text[range.clone()].rfind(&*to).context("a link has its target in it")? + range.start;
                    let image = text[range].starts_with('!');
                    let address = self
                        .address(source, &to, image, &up)
                        .with_context(|| format!("{}: {to}", source.display()))?;
                    edits.push((at..at + to.len(), address));
                }
                Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_)) => fixed += 1,
                Event::End(TagEnd::Link | TagEnd::Image | TagEnd::Heading(_) | TagEnd::CodeBlock) => {
                    fixed -= 1
                }
                Event::Text(_) if fixed == 0 => {
                    for mention in MENTION.find_iter(&text[range.clone()]) {
                        let place = range.start + mention.start()..range.start + mention.end();
                        let mention = mention.as_str();
                        if mention.starts_with('§') && self.own_numbers.contains(source) {
                            continue;
                        }
                        if let Some(address) = self.mentioned.get(mention.trim_start_matches('§')) {
                            edits.push((place, format!("[{mention}]({up}{address})")));
                        }
                    }
                }
                _ => {}
            }
        }
        edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
        let mut text = text.clone();
        for (place, replacement) in edits {
            text.replace_range(place, &replacement);
        }
        Ok(text)
    }

    /// Where a link of `source` leads. The root of the site is `up` from the page.
    fn address(&self, source: &Path, to: &str, image: bool, up: &str) -> Result<String> {
        let (file, id) = to.split_once('#').unwrap_or((to, ""));
        let file = if file.is_empty() {
            source.into()
        } else {
            resolve(source.parent().context("a folder")?, Path::new(file))
        };
        if let Some(page) = self.ids.get(&(file.clone(), id.into())) {
            return Ok(format!("{up}{}{}{id}", page.display(), if id.is_empty() { "" } else { "#" }));
        }
        if !self.root.join(&file).exists() {
            bail!("leads nowhere");
        }
        if file.extension().is_some_and(|extension| extension == "md") {
            bail!("is not a page of SUMMARY.md, or has no such heading");
        }
        if image {
            self.images.borrow_mut().insert(file.clone());
            return Ok(format!("{up}{}", file.display()));
        }
        // The site is in target/site.
        let files = self.files.map_or_else(|| format!("{up}../../"), str::to_owned);
        Ok(format!("{files}{}", file.display()))
    }
}

/// The texts of the headings.
fn headings(text: &str) -> Vec<String> {
    let mut headings = Vec::new();
    let mut inside = false;
    for event in new_cmark_parser(text, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                inside = true;
                headings.push(String::new());
            }
            Event::End(TagEnd::Heading(_)) => inside = false,
            Event::Text(text) | Event::Code(text) if inside => {
                headings.last_mut().into_iter().for_each(|all| all.push_str(&text))
            }
            _ => {}
        }
    }
    headings
}
