//! Prints the public API of a library, one item a line, from the JSON that rustdoc writes.
//!
//! Usage: `api-list LIBRARY.json`.

use std::error::Error;
use std::{env, process};

fn main() {
    if let Err(error) = run() {
        eprintln!("api-list: {error}");
        process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let json = env::args_os().nth(1).ok_or("no file was named")?;
    // The impls that every type has, and those from `derive`, would be half of the lines.
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    print!("{api}");
    Ok(())
}
