//! `sv2 man`: the man pages.

use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Args, ManArgs};
use crate::failure::{CmdResult, Failure};

/// Writes a page for the command and one for each verb into a folder.
pub(crate) fn run(args: &ManArgs) -> CmdResult {
    let folder = &args.folder;
    write_pages(folder).map_err(|error| {
        Failure::io(format!("{}: cannot be written: {error}", folder.display()))
            .hint("name a folder that you can write to")
    })
}

fn write_pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    // `sv2 help VERB` needs no page.
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        let man = Man::new(command.clone());
        let mut page = Vec::new();
        write_page(command, &man, &mut page)?;
        std::fs::write(folder.join(man.get_filename()), page)?;
    }
    Ok(())
}

fn write_page(command: &Command, man: &Man, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let extra = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for section in extra.split("\n\n") {
        // Text that begins without a title has been said by the pages of the verbs.
        let Some((title, lines)) = section.split_once(":\n") else { continue };
        let title = if title == "Exit codes" { "exit status" } else { title };
        writeln!(page, ".SH {}\n.nf", title.to_uppercase())?;
        lines.lines().try_for_each(|line| writeln!(page, "{}", verbatim(line)))?;
        writeln!(page, ".fi")?;
    }
    match command.has_subcommands() {
        true => man.render_version_section(page),
        false => writeln!(page, ".SH SEE ALSO\nsv2(1) lists exit codes and environment variables."),
    }
}

/// Writes a line so that roff prints it as it is.
fn verbatim(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_prints_each_character_of_a_line() {
        assert_eq!(verbatim(r"a\b -k"), r"a\eb \-k");
        assert_eq!(verbatim(".."), r"\&..");
        assert_eq!(verbatim("'x"), r"\&'x");
    }
}
