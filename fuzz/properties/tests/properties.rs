//! Every finding of a campaign stays fixed, and every seed of a campaign holds its property.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use stream_v2_properties::{PROPERTIES, seeds};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// `schedule` checks all threads of the process.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn findings_stay_fixed() {
    let _alone = ALONE.lock().unwrap();
    for (name, property) in PROPERTIES {
        let folder = repository("fuzz/regressions").join(name);
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            property(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn seeds_hold_their_property() {
    let _alone = ALONE.lock().unwrap();
    let seeds = seeds(&repository("vectors")).unwrap();
    for (name, property) in PROPERTIES {
        let mut seen = 0;
        for seed in seeds.iter().filter(|seed| seed.property == name) {
            println!("{name}: {}", seed.name);
            property(&seed.bytes);
            seen += 1;
        }
        assert!(seen >= 50, "{name} has {seen} seeds");
        let names: BTreeSet<_> =
            seeds.iter().filter(|seed| seed.property == name).map(|seed| &seed.name).collect();
        assert_eq!(names.len(), seen, "two seeds of {name} have one name");
    }
}

/// The run that `fuzz/coverage` measures: the property PROPERTY over all files of the folder
/// CORPUS.
#[test]
#[ignore = "takes the corpus of a campaign"]
fn a_corpus() {
    let variable = |name| std::env::var(name).unwrap();
    let (name, corpus) = (variable("PROPERTY"), PathBuf::from(variable("CORPUS")));
    let (_, property) = PROPERTIES.into_iter().find(|(property, _)| *property == name).unwrap();
    let mut slowest = (Duration::ZERO, PathBuf::new());
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let begin = Instant::now();
        property(&fs::read(&path).unwrap());
        slowest = slowest.max((begin.elapsed(), path));
    }
    println!("{name}: the slowest took {:?}: {}", slowest.0, slowest.1.display());
}
