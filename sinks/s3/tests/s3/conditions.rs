//! Servers that refuse conditions, ignore them, or do not reveal which objects exist.

use std::io::ErrorKind;

use stream_v2_fake_s3::{Fault, Operation};
use stream_v2_s3::{Multipart, UploadNotice, is_hidden};

use crate::command::{Command, On, Way, kind};
use crate::machine::{KEY, Machine, OBJECT, assert_told, count};

const COMPLETE: Operation = Operation::CompleteMultipartUpload;
const THEIRS: &[u8] = b"of somebody else";
const CONFLICT: Fault = Fault::Refuse(409, "ConditionalRequestConflict", "A conflicting operation.");

/// Passes an upload in parts, by either engine, and an object of no bytes to `look`.
fn each(look: impl Fn(Command, Machine)) {
    for (way, on, segments) in
        [(Way::Encrypt, On::Threads, 7), (Way::Decrypt, On::Tasks, 7), (Way::Decrypt, On::Threads, 0)]
    {
        look(Command::new(way, on, segments), Machine::new());
    }
}

/// Runs the command, with another writer before the object is requested.
fn with_other_writer(command: &Command, machine: &Machine) -> ErrorKind {
    let puts = || {
        machine.front.put(OBJECT, THEIRS);
        Ok(())
    };
    kind(&command.give_with(machine, command.len(), puts).unwrap_err()).unwrap()
}

#[test]
fn a_refused_condition_is_replaced_by_a_look() {
    for (status, code) in [(501, "NotImplemented"), (400, "InvalidArgument"), (400, "InvalidRequest")] {
        each(|command, mut machine| {
            machine.front.refuse_conditions(status, code);
            command.give(&machine).unwrap();
            assert_eq!(machine.notices(), [UploadNotice::NotAtomic]);
            command.assert_there(&machine);
            machine.assert_clean();
        });
    }
}

#[test]
fn a_refused_condition_is_found_by_a_resumed_run() {
    let (command, mut machine) = (Command::new(Way::Encrypt, On::Threads, 7), Machine::new());
    machine.front.refuse_conditions(501, "NotImplemented");
    command.give_half(&machine);
    command.give(&machine).unwrap();
    command.assert_there(&machine);
    machine.assert_clean();
}

#[test]
fn without_conditions_nothing_is_replaced() {
    each(|mut command, mut machine| {
        machine.front.refuse_conditions(501, "NotImplemented");
        assert_eq!(with_other_writer(&command, &machine), ErrorKind::AlreadyExists);
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);
        command.overwrites = true;
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn ignored_conditions_replace_nothing() {
    each(|command, machine| {
        machine.front.ignore_conditions();
        assert_eq!(with_other_writer(&command, &machine), ErrorKind::AlreadyExists);
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);
        assert_eq!(machine.notices(), []);
    });
}

#[test]
fn a_conflict_is_tried_again() {
    for operation in [COMPLETE, Operation::PutObject] {
        each(|command, mut machine| {
            machine.front.fail_at(operation, 0, CONFLICT);
            command.give(&machine).unwrap();
            command.assert_there(&machine);
            machine.assert_clean();
        });
    }
}

#[test]
fn a_conflict_that_stays_keeps_the_upload() {
    let (command, mut machine) = (Command::new(Way::Encrypt, On::Threads, 7), Machine::new());
    machine.fails_for_ever(COMPLETE, 0, &CONFLICT);
    let failed = command.give(&machine).unwrap_err();
    assert_eq!(kind(&failed), Some(ErrorKind::ResourceBusy));
    assert!(assert_told(&failed).contains("another request for it is under way"), "{failed}");
    machine.front.heal();
    machine.take();
    command.give(&machine).unwrap();
    assert_eq!(count(&machine.take(), Operation::UploadPart), 0);
    command.assert_there(&machine);
    machine.assert_clean();
}

#[test]
fn a_conflict_that_another_writer_wins_is_told() {
    let (command, machine) = (Command::new(Way::Encrypt, On::Threads, 7), Machine::new());
    machine.fails_for_ever(COMPLETE, 0, &CONFLICT);
    // After the check before completing.
    let looks = {
        let machine = Machine::new();
        command.give(&machine).unwrap();
        count(&machine.front.take(), Operation::HeadObject)
    };
    machine.front.fail_at(Operation::HeadObject, looks - 1, Fault::Replace(THEIRS.to_vec()));
    let failed = command.give(&machine).unwrap_err();
    assert_eq!(kind(&failed), Some(ErrorKind::AlreadyExists));
    assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);
}

#[test]
fn what_may_not_be_looked_at_is_written() {
    each(|command, mut machine| {
        machine.front.hide_absent();
        assert!(is_hidden(&machine.bucket.find(KEY).unwrap_err()));
        machine.bucket.tries_condition(KEY).unwrap();
        machine.front.take();
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn what_may_not_be_looked_at_needs_the_condition() {
    each(|mut command, mut machine| {
        machine.front.hide_absent();
        machine.front.refuse_conditions(501, "NotImplemented");
        let refused = machine.bucket.tries_condition(KEY).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        machine.front.take();
        let failed = command.give(&machine).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::PermissionDenied));
        assert!(assert_told(&failed).contains("may not see whether the object exists"), "{failed}");
        assert_eq!(machine.front.object(OBJECT), None);
        command.overwrites = true;
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

/// Wrong credentials end the run, because S3 reports them otherwise than a missing right.
#[test]
fn wrong_credentials_are_not_missing_rights() {
    let machine = Machine::new();
    for code in ["SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed", "ExpiredToken"] {
        let refused = Fault::Refuse(403, code, "No.");
        machine.front.fail([refused.clone(), refused]);
        let error = machine.bucket.find(KEY).unwrap_err();
        assert_eq!((error.kind(), is_hidden(&error)), (ErrorKind::PermissionDenied, false), "{code}");
    }
}

#[test]
fn trying_a_condition_changes_nothing() {
    let machine = Machine::new();
    machine.bucket.tries_condition(KEY).unwrap();
    machine.front.put(OBJECT, THEIRS);
    machine.bucket.tries_condition(KEY).unwrap();
    assert_eq!((machine.front.object(OBJECT).unwrap(), machine.front.uploads()), (THEIRS.to_vec(), vec![]));
}
