//! Builds the site in `target/site` from the Markdown of the repository.
//!
//! `SUMMARY.md` names the pages. An entry for a folder is an entry for each of its files, and the
//! specification is split into its sections. `links.rs` makes the links of pages lead to pages.

mod links;

use anyhow::{Context, Result};
use links::{Links, resolve};
use mdbook_driver::MDBook;
use mdbook_driver::book::{BookItem, Chapter, SectionNumber};
use mdbook_driver::config::Config;
use mdbook_summary::SummaryItem;
use std::path::{Path, PathBuf};
use std::{env, fs};

const SITE: &str = "docs/site";
const SPECIFICATION: &str = "spec/stream-v2.md";

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let site = root.join(SITE);
    let config = Config::from_disk(site.join("book.toml"))?;
    let images = site.join(&config.book.src);
    fs::create_dir_all(&images)?;
    fs::remove_dir_all(&images)?;
    fs::create_dir_all(&images)?;

    let summary = mdbook_summary::parse_summary(&fs::read_to_string(site.join("SUMMARY.md"))?)?;
    let mut book = MDBook::load_with_config_and_summary(site, config, Default::default())?;
    book.book.items = entries(&root, &summary.prefix_chapters)?;
    book.book.items.extend(entries(&root, &summary.numbered_chapters)?);
    number(&mut book.book.items, &[]);

    // Where files that are not pages are shown, for example https://HOST/PROJECT/blob/main/. The
    // default is this checkout, for a site that is read on this machine.
    let files = env::var("SITE_FILES").ok();
    let links = Links::new(&book.book, &root, files.as_deref());
    let mut faults = Vec::new();
    book.book.for_each_chapter_mut(|chapter| match links.rewritten(chapter) {
        Ok(text) => chapter.content = text,
        Err(fault) => faults.push(format!("{fault:#}")),
    });
    anyhow::ensure!(faults.is_empty(), faults.join("\n"));
    for image in links.images.into_inner() {
        let copy = images.join(&image);
        fs::create_dir_all(copy.parent().context("an image has a folder")?)?;
        fs::copy(root.join(&image), copy)?;
    }
    book.build()
}

fn entries(root: &Path, items: &[SummaryItem]) -> Result<Vec<BookItem>> {
    let mut found = Vec::new();
    for item in items {
        match item {
            SummaryItem::PartTitle(title) => found.push(BookItem::PartTitle(title.clone())),
            SummaryItem::Link(link) => {
                let location = link.location.as_deref().context("an entry names a file")?;
                let source = resolve(Path::new(SITE), location);
                if root.join(&source).is_dir() {
                    for file in files(root, &source)? {
                        found.push(page(root, &file, None)?.into());
                    }
                    continue;
                }
                let mut page = page(root, &source, Some(&link.name))?;
                page.sub_items = entries(root, &link.nested_items)?;
                if source == Path::new(SPECIFICATION) {
                    page.sub_items = sections(&mut page);
                }
                found.push(page.into());
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Numbers the entries. They are not shown, but mdbook indents the entries by them.
fn number(items: &mut [BookItem], above: &[u32]) {
    let chapters =
        items.iter_mut().filter_map(|item| if let BookItem::Chapter(it) = item { Some(it) } else { None });
    for (place, chapter) in (1..).zip(chapters) {
        let number = [above, &[place]].concat();
        self::number(&mut chapter.sub_items, &number);
        chapter.number = Some(SectionNumber::new(number));
    }
}

/// The files of a folder, without its README, which has an entry of its own.
fn files(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for file in fs::read_dir(root.join(folder))? {
        let name = file?.file_name();
        if name != "README.md" {
            files.push(folder.join(name));
        }
    }
    files.sort();
    Ok(files)
}

/// A page of Markdown, or of a source file, which is shown as code. The name is the title by
/// default.
fn page(root: &Path, source: &Path, name: Option<&str>) -> Result<Chapter> {
    let mut text = fs::read_to_string(root.join(source)).with_context(|| format!("{}", source.display()))?;
    if source.extension().is_none_or(|extension| extension != "md") {
        let file = source.file_name().unwrap_or_default().display();
        text = format!("# {file}\n\n````rust\n{text}````\n");
    }
    let title = text.lines().next().unwrap_or_default().trim_start_matches("# ").replace('`', "");
    let folder = source.parent().unwrap_or(Path::new("")).to_string_lossy().replace('.', "");
    let file = if source.ends_with("README.md") {
        "index".into()
    } else {
        source.file_stem().unwrap_or_default().to_owned()
    };
    let path = Path::new(&folder).join(file).with_extension("md");
    Ok(Chapter {
        source_path: Some(source.into()),
        ..Chapter::new(name.unwrap_or(&title), text, path, vec![])
    })
}

/// Takes the numbered sections and the appendices out of the specification, a page for each.
fn sections(specification: &mut Chapter) -> Vec<BookItem> {
    let text = std::mem::take(&mut specification.content);
    let mut parts = text.split_inclusive('\n').fold(vec![String::new()], |mut parts, line| {
        if line.starts_with("## ") && links::numbered(&line[3..]).is_some() {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
        parts
    });
    specification.content = parts.remove(0);
    let section = |part: String| {
        let title = part.lines().next().unwrap_or_default().trim_start_matches("## ").replace('`', "");
        let path = format!("spec/{}.md", links::slug(&title));
        let source_path = Some(SPECIFICATION.into());
        BookItem::from(Chapter { source_path, ..Chapter::new(&title, part, path, vec![]) })
    };
    parts.into_iter().map(section).collect()
}
