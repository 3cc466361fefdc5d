//! Each request of a run has each kind of fault: once, and forever.

use stream_v2_fake_s3::{Fault, Operation, Request};

use crate::command::{Command, On, Way};
use crate::machine::{Machine, assert_told};

const SEGMENTS: usize = 10;
pub(crate) const TROUBLES: [Fault; 7] = [
    Fault::Hangup,
    Fault::Lose,
    Fault::CutHead,
    Fault::CutBody(5),
    Fault::Refuse(503, "SlowDown", "Please reduce your request rate."),
    Fault::Refuse(500, "InternalError", "We encountered an internal error."),
    Fault::RefuseAfter(500, "InternalError", "We encountered an internal error."),
];

/// The start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    AtTheBeginning,
    /// With the partial output of an interrupted run.
    InTheMiddle,
}

fn begun(command: &Command, begins: Begins) -> Machine {
    let mut machine = Machine::new();
    if begins == Begins::InTheMiddle {
        command.give_half(&machine);
        machine.take();
        assert!(!machine.front.uploads()[0].parts.is_empty());
    }
    machine
}

/// Returns each request by its operation, and how many of that came before.
///
/// The order of parts differs from run to run.
pub(crate) fn places(requests: &[Request]) -> Vec<(Operation, usize)> {
    let before = |index: usize, operation| {
        requests[..index].iter().filter(|request| request.operation == operation).count()
    };
    let place = |(index, request): (usize, &Request)| (request.operation, before(index, request.operation));
    requests.iter().enumerate().map(place).collect()
}

/// Returns the parts that S3 has.
fn parts(machine: &Machine) -> Vec<(Option<String>, Option<u16>)> {
    let uploads = machine.front.uploads();
    let parts = uploads
        .iter()
        .flat_map(|upload| upload.parts.iter().map(|part| (Some(upload.id.clone()), Some(part.number))));
    parts.collect()
}

/// Checks that the fault of one request is gone by the next attempt.
fn once(command: &Command, begins: Begins, (operation, nth): (Operation, usize), fault: &Fault) {
    let mut machine = begun(command, begins);
    machine.front.fail_at(operation, nth, fault.clone());
    if let Err(failed) = command.give(&machine) {
        unreachable!("{begins:?} {operation:?} {nth} {fault:?}: {failed}");
    }
    assert_eq!(machine.front.faults_left(), 0);
    command.assert_there(&machine);
    machine.assert_clean();
}

/// Keeps the fault until the run has ended, and returns whether it caused the end.
fn for_ever(command: &Command, begins: Begins, (operation, nth): (Operation, usize), fault: &Fault) -> bool {
    let mut machine = begun(command, begins);
    machine.fails_for_ever(operation, nth, fault);
    let failed = command.give(&machine).err();
    machine.front.heal();
    if let Some(failed) = &failed {
        assert_told(failed);
        machine.take();
        let there = parts(&machine);
        command.give(&machine).unwrap();
        // Parts that S3 has received are not sent again.
        let again = machine.take().into_iter().map(|request| (request.upload, request.part));
        let again: Vec<_> = again.filter(|place| place.1.is_some() && there.contains(place)).collect();
        assert!(again.is_empty(), "{again:?}");
    }
    command.assert_there(&machine);
    machine.assert_clean();
    failed.is_some()
}

fn each_request(way: Way, on: On, begins: Begins) {
    let command = Command::new(way, on, SEGMENTS);
    let mut machine = begun(&command, begins);
    command.give(&machine).unwrap();
    let places = places(&machine.take());
    command.assert_there(&machine);
    machine.assert_clean();
    assert!(places.len() >= 6, "{places:?}");
    let mut failed = 0;
    for place in places {
        for fault in &TROUBLES {
            once(&command, begins, place, fault);
            failed += usize::from(for_ever(&command, begins, place, fault));
        }
    }
    assert!(failed > 30, "{failed}");
}

#[test]
fn of_an_encryption() {
    each_request(Way::Encrypt, On::Threads, Begins::AtTheBeginning);
}

#[test]
fn of_an_encryption_that_goes_on() {
    each_request(Way::Encrypt, On::Threads, Begins::InTheMiddle);
}

#[test]
fn of_an_encryption_on_tasks() {
    each_request(Way::Encrypt, On::Tasks, Begins::AtTheBeginning);
}

#[test]
fn of_a_decryption() {
    each_request(Way::Decrypt, On::Threads, Begins::AtTheBeginning);
}

#[test]
fn of_a_decryption_that_goes_on() {
    each_request(Way::Decrypt, On::Threads, Begins::InTheMiddle);
}

#[test]
fn of_a_decryption_on_tasks_that_goes_on() {
    each_request(Way::Decrypt, On::Tasks, Begins::InTheMiddle);
}
