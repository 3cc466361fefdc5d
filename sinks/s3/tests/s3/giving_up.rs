//! Uploads that are given up, and an S3 that does not abort them.

use std::io::ErrorKind;

use stream_v2_fake_s3::{Fault, Operation};
use stream_v2_s3::{Aborted, Multipart, UploadId, UploadNotice};

use crate::command::{Command, On, Way, kind};
use crate::machine::{KEY, Machine, assert_told};

const ABORT: Operation = Operation::AbortMultipartUpload;
const DENIED: Fault = Fault::Refuse(403, "AccessDenied", "Access Denied");

fn half() -> (Command, Machine) {
    let (command, machine) = (Command::new(Way::Encrypt, On::Threads, 12), Machine::new());
    command.give_half(&machine);
    (command, machine)
}

#[test]
fn a_refused_abort_is_told_and_blocks_nothing() {
    for refused in
        [DENIED, Fault::Refuse(405, "MethodNotAllowed", "Not allowed."), Fault::Refuse(403, "", "")]
    {
        let (command, mut machine) = half();
        machine.fails_for_ever(ABORT, 0, &refused);
        machine.upload().output().discard().unwrap();
        assert!(machine.disk.contents().names.is_empty());
        assert!(matches!(&machine.notices()[..], [UploadNotice::NotAborted(_)]));
        let stays = machine.upload_id();
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        assert_eq!(machine.upload_id(), stays);
        machine.take();
    }
}

/// The partial file is gone before S3 is asked, and the record is kept until S3 has answered.
#[test]
fn an_abort_that_fails_for_now_is_made_up_for() {
    let (command, mut machine) = half();
    machine.fails_for_ever(ABORT, 0, &Fault::Refuse(503, "SlowDown", "Please reduce your rate."));
    let error = machine.upload().output().discard().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    assert_told(&error);
    machine.front.heal();
    command.give(&machine).unwrap();
    assert_eq!(machine.notices(), []);
    command.assert_there(&machine);
    machine.take();
    assert_eq!((machine.disk.contents().names.len(), machine.front.uploads()), (0, vec![]));
}

#[test]
fn what_is_gone_is_not_called_aborted() {
    let machine = Machine::new();
    let begin = || machine.bucket.begin(KEY, "mark").unwrap();
    let abort = |id: &str| machine.bucket.abort(UploadId { key: KEY, id });
    let id = begin();
    assert_eq!(abort(&id).unwrap(), Aborted::Now);
    assert_eq!(abort(&id).unwrap(), Aborted::Before);
    // The answer was lost: it is gone because it was aborted.
    let id = begin();
    machine.front.fail_at(ABORT, 0, Fault::Lose);
    assert_eq!(abort(&id).unwrap(), Aborted::Now);
    // Without its bucket nothing is known of it.
    machine.front.fail_at(ABORT, 0, Fault::Refuse(404, "NoSuchBucket", "There is no such bucket."));
    assert_eq!(abort(&id).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_list_of_parts_that_makes_no_sense_is_told() {
    for answer in ["{}", "<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>"] {
        let (command, mut machine) = half();
        machine.front.fail_at(Operation::ListParts, 0, Fault::Answer(answer.into()));
        let failed = command.give(&machine).unwrap_err();
        assert_eq!(kind(&failed), Some(ErrorKind::InvalidData));
        assert_told(&failed);
        command.give(&machine).unwrap();
        command.assert_there(&machine);
        machine.assert_clean();
    }
}
