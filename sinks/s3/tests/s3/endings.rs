//! The end of an upload: the answers of S3 when it makes the object, and other writers.

use std::io::ErrorKind;

use stream_v2_fake_s3::{Fault, Operation};

use crate::command::{Command, On, Way, kind};
use crate::every_request::TROUBLES;
use crate::machine::{Machine, OBJECT, assert_told, count};

const COMPLETE: Operation = Operation::CompleteMultipartUpload;
const THEIRS: &[u8] = b"of somebody else";

fn each(look: impl Fn(Command, Machine)) {
    for (way, on) in [(Way::Encrypt, On::Threads), (Way::Decrypt, On::Tasks), (Way::Encrypt, On::Tasks)] {
        look(Command::new(way, on, 7), Machine::new());
    }
}

#[test]
fn success_may_be_an_error() {
    let what = "We encountered an internal error. Please try again.";
    for fault in [Fault::Refuse(200, "InternalError", what), Fault::RefuseAfter(200, "InternalError", what)] {
        for forgets in [false, true] {
            each(|command, mut machine| {
                if forgets {
                    machine.front.forget_completed();
                }
                machine.front.fail_at(COMPLETE, 0, fault.clone());
                command.give(&machine).unwrap();
                assert_eq!(count(&machine.take(), COMPLETE), 2);
                command.assert_there(&machine);
                machine.assert_clean();
            });
        }
    }
}

#[test]
fn an_error_for_good_within_a_success_is_told() {
    each(|command, mut machine| {
        machine.front.fail_at(COMPLETE, 0, Fault::Refuse(200, "InvalidPart", "A part could not be found."));
        let text = assert_told(&command.give(&machine).unwrap_err());
        assert!(text.contains("S3 says InvalidPart: A part could not be found."), "{text}");
        assert_eq!((count(&machine.take(), COMPLETE), machine.front.object(OBJECT)), (1, None));
        command.give(&machine).unwrap();
        let requests = machine.take();
        assert_eq!((count(&requests, COMPLETE), count(&requests, Operation::UploadPart)), (1, 0));
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

/// The second try finds an upload that S3 does not know any more, or has completed already.
#[test]
fn the_answer_is_lost() {
    for forgets in [false, true] {
        each(|command, mut machine| {
            if forgets {
                machine.front.forget_completed();
            }
            machine.front.fail_at(COMPLETE, 0, Fault::Lose);
            command.give(&machine).unwrap();
            let statuses: Vec<_> = machine
                .take()
                .iter()
                .filter(|request| request.operation == COMPLETE)
                .map(|request| request.status)
                .collect();
            // With If-None-Match, the object that was there already is its own.
            assert_eq!(statuses[0], 0);
            assert_eq!(statuses.len(), 2, "{statuses:?}");
            command.assert_there(&machine);
            machine.assert_clean();
        });
    }
}

#[test]
fn somebody_is_faster() {
    each(|mut command, mut machine| {
        let puts = || {
            machine.front.put(OBJECT, THEIRS);
            Ok(())
        };
        let failed = command.give_with(&machine, command.len(), puts).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::AlreadyExists));
        let text = assert_told(&failed);
        assert!(text.contains("exists already at S3"), "{text}");
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);

        let left = machine.disk.contents();
        assert_eq!(kind(&command.give(&machine).unwrap_err()), Some(ErrorKind::AlreadyExists));
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);
        assert!(machine.disk.contents() == left);

        command.overwrites = true;
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn somebody_is_faster_and_is_replaced() {
    each(|mut command, mut machine| {
        command.overwrites = true;
        let puts = || {
            machine.front.put(OBJECT, THEIRS);
            Ok(())
        };
        command.give_with(&machine, command.len(), puts).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn somebody_else_comes_between_two_runs() {
    each(|mut command, mut machine| {
        command.give_half(&machine);
        machine.front.put(OBJECT, THEIRS);
        assert_eq!(kind(&command.give(&machine).unwrap_err()), Some(ErrorKind::AlreadyExists));
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);
        command.overwrites = true;
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

/// Its object is replaced before it looks.
#[test]
fn somebody_replaces_it_at_once() {
    each(|mut command, mut machine| {
        command.give(&machine).unwrap();
        let looks = count(&machine.take(), Operation::HeadObject);
        let mut machine = Machine::new();
        machine.front.fail_at(Operation::HeadObject, looks - 1, Fault::Replace(THEIRS.to_vec()));
        let failed = command.give(&machine).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::InvalidData));
        let text = assert_told(&failed);
        assert!(text.contains("is another one"), "{text}");
        assert_eq!(kind(&command.give(&machine).unwrap_err()), Some(ErrorKind::AlreadyExists));
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);

        // Its upload is gone, and so are the uploaded bytes.
        command.overwrites = true;
        let failed = command.give(&machine).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::NotFound));
        assert_told(&failed);
        machine.upload().output().discard().unwrap();
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        assert!(machine.disk.contents().names.is_empty());
        machine.take();
    });
}

/// They are put, and not made of parts.
#[test]
fn objects_of_no_bytes() {
    const PUT: Operation = Operation::PutObject;
    for on in [On::Threads, On::Tasks] {
        let mut command = Command::new(Way::Decrypt, on, 0);
        for fault in TROUBLES {
            let mut machine = Machine::new();
            machine.front.fail_at(PUT, 0, fault.clone());
            command.give(&machine).unwrap();
            command.assert_there(&machine);
            machine.assert_clean();

            let mut machine = Machine::new();
            machine.fails_for_ever(PUT, 0, &fault);
            let failed = command.give(&machine).err();
            machine.front.heal();
            if let Some(failed) = failed {
                assert_told(&failed);
                command.give(&machine).unwrap();
            }
            command.assert_there(&machine);
            machine.assert_clean();
        }
        let mut machine = Machine::new();
        let puts = || {
            machine.front.put(OBJECT, THEIRS);
            Ok(())
        };
        let failed = command.give_with(&machine, command.len(), puts).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::AlreadyExists));
        assert_told(&failed);
        assert_eq!(machine.front.object(OBJECT).unwrap(), THEIRS);
        command.overwrites = true;
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    }
}
