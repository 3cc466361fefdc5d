//! An S3 that has lost objects, lists in its own way, or refuses a wrong clock.

use std::io::ErrorKind;
use std::sync::Arc;

use stream_v2_fake_s3::{Fault, Operation};
use stream_v2_pipeline::Shutdown;
use stream_v2_s3::{Multipart, PartBytes, UploadId};

use crate::command::{Command, Failed, On, Way, kind};
use crate::every_request::places;
use crate::machine::{KEY, Machine, assert_told, count};

const PART: Operation = Operation::UploadPart;

fn each(look: impl Fn(Command, Machine)) {
    for (way, on) in [(Way::Encrypt, On::Threads), (Way::Decrypt, On::Threads), (Way::Encrypt, On::Tasks)] {
        look(Command::new(way, on, 12), Machine::new());
    }
}

fn assert_gone(failed: &Failed) {
    assert_eq!(kind(failed), Some(ErrorKind::NotFound));
    let text = assert_told(failed);
    assert!(text.contains("what was uploaded is gone at S3"), "{text}");
}

/// Checks that nothing can be resumed, and nothing is removed for that. After starting over, it is
/// complete.
fn assert_starts_over(command: &Command, machine: &mut Machine) {
    for _ in 0..2 {
        let left = machine.disk.contents().names;
        assert_gone(&command.give(machine).unwrap_err());
        assert_eq!(machine.disk.contents().names, left);
    }
    machine.upload().output().discard().unwrap();
    command.give(machine).unwrap();
    command.assert_there(machine);
    machine.assert_clean();
}

#[test]
fn expired_upload_restarts_from_local_data() {
    each(|command, mut machine| {
        machine.fails_for_ever(PART, 0, &Fault::Lose);
        assert_told(&command.give(&machine).unwrap_err());
        machine.front.heal();
        let id = machine.upload_id();
        assert!(!machine.front.uploads()[0].parts.is_empty());
        machine.front.expire(&id);
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn expiring_upload_restarts_from_local_data() {
    each(|command, mut machine| {
        // For all lanes: otherwise another lane's part would not be on this machine any more.
        machine.fails_for_ever(PART, 0, &Fault::Refuse(404, "NoSuchUpload", "The upload does not exist."));
        let failed = command.give(&machine).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::NotFound));
        let text = assert_told(&failed);
        assert!(text.contains("NoSuchUpload"), "{text}");
        machine.front.heal();
        let id = machine.upload_id();
        machine.front.expire(&id);
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn expired_upload_without_local_data_is_lost() {
    each(|command, mut machine| {
        command.give_half(&machine);
        let id = machine.upload_id();
        machine.front.expire(&id);
        assert_starts_over(&command, &mut machine);
    });
}

#[test]
fn expiring_upload_without_local_data_is_lost() {
    each(|command, mut machine| {
        let front = Arc::clone(&machine.front);
        // When the first part is there.
        let expires = move |_| front.uploads().iter().for_each(|upload| front.expire(&upload.id));
        let output = machine.upload().with_lanes(0).telling(expires).output();
        let failed = command.give_to(&output, &Shutdown::new(), None, u64::MAX, || Ok(())).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::NotFound));
        assert_told(&failed);
        drop(output);
        assert_starts_over(&command, &mut machine);
    });
}

#[test]
fn lost_part_is_sent_again_from_local_data() {
    each(|command, mut machine| {
        machine.fails_for_ever(PART, 0, &Fault::Lose);
        command.give(&machine).unwrap_err();
        machine.front.heal();
        let id = machine.upload_id();
        let there = machine.front.uploads()[0].parts[0].number;
        machine.front.drop_part(&id, there);
        machine.take();
        command.give(&machine).unwrap();
        assert!(machine.take().iter().any(|request| request.part == Some(there)));
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn lost_part_without_local_data_is_reported() {
    each(|command, mut machine| {
        command.give_half(&machine);
        let id = machine.upload_id();
        machine.front.drop_part(&id, 1);
        assert_starts_over(&command, &mut machine);
    });
}

/// A list of parts has one twice: as it was first, by any writer, and as it is.
#[test]
fn parts_that_were_written_over_are_told_apart() {
    each(|mut command, mut machine| {
        command.lanes = 0;
        machine.front.list_twice();
        machine.fails_for_ever(PART, 0, &Fault::Refuse(500, "InternalError", ""));
        command.give(&machine).unwrap_err();
        machine.front.heal();
        machine.take();
        let id = machine.upload_id();
        machine.bucket.send(UploadId { key: KEY, id: &id }, 1, &PartBytes(b"something else")).unwrap();
        machine.front.take();

        machine.fails_for_ever(PART, 0, &Fault::Lose);
        command.give(&machine).unwrap_err();
        machine.front.heal();
        assert!(machine.take().iter().any(|request| request.part == Some(1)));

        command.give(&machine).unwrap();
        assert!(machine.take().iter().all(|request| request.part != Some(1)));
        command.assert_there(&machine);
        machine.assert_clean();
    });
}

#[test]
fn lists_come_in_pages() {
    for (way, on) in [(Way::Encrypt, On::Threads), (Way::Decrypt, On::Tasks)] {
        let (command, mut machine) = (Command::new(way, on, 24), Machine::new());
        machine.front.set_page(2);
        command.give_half(&machine);
        let there = machine.front.uploads()[0].parts.len();
        assert!(there >= 4, "{there}");
        machine.take();
        command.give(&machine).unwrap();
        let requests = machine.take();
        assert_eq!(count(&requests, Operation::ListParts), there.div_ceil(2));
        assert!(requests.iter().filter_map(|request| request.part).all(|number| usize::from(number) > there));
        command.assert_there(&machine);
        machine.assert_clean();
    }
}

#[test]
fn wrong_clock_is_reported_without_data_loss() {
    let what = "The difference between the request time and the current time is too large.";
    let skewed = Fault::Refuse(403, "RequestTimeTooSkewed", what);
    each(|command, mut machine| {
        command.give(&machine).unwrap();
        for (operation, nth) in places(&machine.take()) {
            let mut machine = Machine::new();
            machine.fails_for_ever(operation, nth, &skewed);
            // HEAD has no body, so GET finds the reason.
            machine.fails_for_ever(Operation::GetObject, 0, &skewed);
            let failed = command.give(&machine).unwrap_err();
            machine.front.heal();
            assert_eq!(kind(&failed), Some(ErrorKind::PermissionDenied), "{operation:?} {nth}");
            let text = assert_told(&failed);
            assert!(text.contains("the clock of this machine is wrong"), "{text}");
            command.give(&machine).unwrap();
            command.assert_there(&machine);
            machine.assert_clean();
        }
    });
}
