//! Compares the answers of each server with its column in `S3-SERVERS.md`.
//!
//! A change in either direction fails the test. `.ci/s3-servers` runs it for every server.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue fails")]

mod keys;
mod listing;
mod objects;
mod table;
mod uploads;

use stream_v2_s3_servers::{Answer, Kind, Server};

/// Questions and this server's answers.
type Facts = Vec<(String, String)>;

/// Returns a status and the code of the error, if there is one: `412 PreconditionFailed`.
fn outcome(answer: &Answer) -> String {
    let code = answer.element("Code");
    code.map_or_else(|| answer.status.to_string(), |code| format!("{} {code}", answer.status))
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn a_server_answers_as_the_manual_says() {
    let server = Server::start();
    let (objects, uploads) = (objects::facts(&server), uploads::facts(&server));
    let found = [objects, uploads, listing::facts(&server), keys::facts(&server)].concat();
    let name = server.kind().name();
    let expected = table::column(name);
    let changed = found.iter().filter(|fact| !expected.contains(fact));
    let changed: Vec<_> = changed.map(|(ask, said)| format!("{ask} | {said}\n")).collect();
    assert!(changed.is_empty(), "{name} answers, other than the manual says:\n{}", changed.concat());
    assert_eq!(found.len(), expected.len(), "rows of the manual");
}

#[test]
fn the_manual_has_a_column_for_every_server() {
    let columns = Kind::ALL.map(|kind| table::column(kind.name()));
    let questions = |facts: &Facts| facts.iter().map(|(ask, _)| ask.clone()).collect::<Vec<_>>();
    assert!(columns.iter().all(|column| questions(column) == questions(&columns[0])));
    assert!(columns[0].len() > 50);
}
