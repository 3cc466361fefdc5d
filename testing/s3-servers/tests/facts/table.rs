//! The tables of `S3-SERVERS.md`, with a row for each question and a column for each server.

use crate::Facts;

const MANUAL: &str = include_str!("../../../../sinks/s3/S3-SERVERS.md");

/// Returns the cells of a row without the code marks of Markdown.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_matches('|').replace("\\|", "\u{0}");
    line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// Returns the answers that the tables give for a server. Only tables that begin with `asked`
/// count.
pub(crate) fn column(server: &str) -> Facts {
    let mut facts = Facts::new();
    let mut place = None;
    for line in MANUAL.lines() {
        let cells = if line.starts_with('|') { cells(line) } else { Vec::new() };
        match cells.first().map(|first| &**first) {
            None => place = None,
            Some("asked") => place = cells.iter().position(|cell| cell == server),
            Some(first) if !first.starts_with("---") => {
                facts.extend(place.map(|place| (first.to_owned(), cells[place].clone())));
            }
            Some(_) => {}
        }
    }
    facts
}
