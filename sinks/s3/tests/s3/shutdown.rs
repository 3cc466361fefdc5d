//! A run that is asked to stop while it uploads: everything is kept, and is resumed.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use stream_v2_fake_s3::Operation;
use stream_v2_pipeline::{LogEvent, LogManager, Shutdown};

use crate::command::{Command, On, Way, is_interrupted};
use crate::machine::{Machine, count};

/// Checks that nothing is given up, here or at S3, and that the next run sends no part twice.
fn assert_goes_on(command: &Command, machine: &mut Machine) {
    let names: Vec<_> = machine.disk.contents().names.into_keys().collect();
    let has = |suffix: &str| names.iter().any(|name| name.extension().is_some_and(|found| found == suffix));
    assert!(has("partial") && has("journal") && has("upload"), "{names:?}");
    assert_eq!(count(&machine.take(), Operation::AbortMultipartUpload), 0);
    let [upload] = &machine.front.uploads()[..] else { unreachable!("one upload") };
    assert!(!upload.parts.is_empty());
    command.give(machine).unwrap();
    let sent: Vec<_> = machine.take().into_iter().filter_map(|request| request.part).collect();
    assert!(upload.parts.iter().all(|part| !sent.contains(&part.number)), "{sent:?}");
    command.assert_there(machine);
    machine.assert_clean();
}

#[test]
fn while_there_is_more_to_read() {
    for (way, on) in [
        (Way::Encrypt, On::Threads),
        (Way::Encrypt, On::Tasks),
        (Way::Decrypt, On::Threads),
        (Way::Decrypt, On::Tasks),
    ] {
        let (command, mut machine, shutdown) = (Command::new(way, on, 40), Machine::new(), Shutdown::new());
        let output = machine.upload().with_lanes(0).with_shutdown(&shutdown).output();
        let asks = || {
            shutdown.request();
            Ok(())
        };
        let failed = command.give_to(&output, &shutdown, None, command.len() * 4 / 5, asks).unwrap_err();
        assert!(is_interrupted(&failed), "{failed}");
        drop(output);
        assert_goes_on(&command, &mut machine);
    }
}

/// Holds the thread that has sent a part, until the run has failed.
struct Release(Sender<()>);

impl LogManager for Release {
    fn log(&mut self, event: LogEvent<'_>) {
        if matches!(event, LogEvent::Failed(_)) {
            let _ = self.0.send(());
        }
    }
}

/// At every step of the run, even if everything is sealed and waits for S3.
#[test]
fn while_parts_are_sent() {
    for (way, on) in [
        (Way::Encrypt, On::Threads),
        (Way::Encrypt, On::Tasks),
        (Way::Decrypt, On::Threads),
        (Way::Decrypt, On::Tasks),
    ] {
        let (command, mut machine, shutdown) = (Command::new(way, on, 10), Machine::new(), Shutdown::new());
        let (release, released): (_, Receiver<()>) = channel();
        let (asked, released) = (shutdown.clone(), Mutex::new(released));
        let holds = move |_| {
            // Only once: another part may be sent before the run has stopped all of it.
            if !asked.requested() {
                asked.request();
                let _ = released.lock().unwrap().recv();
            }
        };
        let output = machine.upload().with_lanes(1).with_shutdown(&shutdown).telling(holds).output();
        let mut log = Release(release);
        let failed = command.give_to(&output, &shutdown, Some(&mut log), u64::MAX, || Ok(())).unwrap_err();
        assert!(is_interrupted(&failed), "{failed}");
        drop(output);
        assert_goes_on(&command, &mut machine);
    }
}
