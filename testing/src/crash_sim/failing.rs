//! Syncs that fail. Data written since the last sync is lost, the machine still sees it, and later
//! syncs succeed.

use std::error::Error;

use super::sim::{Contents, Op, Sim, Trouble};
use super::states::{killed, lost_power};

/// EIO, ENOSPC and EDQUOT, as Linux reports them.
pub const CODES: [i32; 3] = [5, 28, 122];

/// The result of a command.
pub type Done = Result<(), Box<dyn Error>>;

/// A command that is run again and again.
pub struct Command<'a> {
    pub run: &'a dyn Fn(&Sim) -> Done,
    /// Of the states that a loss of power can leave, every `nth` is checked, and the last of each
    /// call.
    pub nth: usize,
    /// Whether syncs of folders also fail.
    pub folders: bool,
    /// Asserts that the result exists and is whole.
    pub assert_result: &'a dyn Fn(&Contents),
    /// Asserts that nothing else is left.
    pub assert_clear: &'a dyn Fn(&Contents),
}

impl Command<'_> {
    /// Lets each sync of a run fail, and runs the same command again. The second run follows the
    /// ended run, and also a run killed after any of the calls that it made after the failure.
    pub fn every_sync_fails(&self, start: &Contents, code: i32) {
        self.each_fails(start, code, |op| match op {
            Op::Sync(_) => true,
            Op::SyncFolder(_) => self.folders,
            _ => false,
        });
    }

    /// Does the same with writes that report the loss of earlier ones.
    pub fn every_write_fails(&self, start: &Contents, code: i32) {
        self.each_fails(start, code, |op| matches!(op, Op::Write(..)));
    }

    fn each_fails(&self, start: &Contents, code: i32, fails: impl Fn(&Op) -> bool) {
        let whole = self.run_again(start);
        for at in (0..whole.len()).filter(|&at| fails(&whole[at])) {
            let sim = Sim::troubled_with(start.clone(), at, Trouble::FailsWith(code));
            let failed = (self.run)(&sim);
            assert!(failed.is_err(), "call {at} has failed, and the run has not");
            let log = sim.log();
            let is_failed = |op: &Op| matches!(op, Op::SyncFailed(_) | Op::SyncFolderFailed(_));
            let failed = log.iter().position(is_failed).unwrap();
            for calls in failed + 1..=log.len() {
                self.resumes(start, &log[..calls]);
            }
        }
    }

    /// Runs the command after `log`, and again after a loss of power at every point of that run.
    fn resumes(&self, start: &Contents, log: &[Op]) {
        let second = self.run_again(&killed(start, log, log.len(), 0));
        let both = [log, &second].concat();
        let mut states = 0;
        lost_power(start, &both, log.len(), |calls, contents| {
            states += 1;
            let is_done = calls == both.len();
            if is_done {
                // The run has reported success.
                (self.assert_result)(contents);
            }
            if is_done || states % self.nth == 0 {
                self.run_again(contents);
            }
        });
    }

    fn run_again(&self, contents: &Contents) -> Vec<Op> {
        let sim = Sim::new(contents.clone());
        (self.run)(&sim).unwrap();
        (self.assert_result)(&sim.contents());
        (self.assert_clear)(&sim.contents());
        sim.log()
    }
}
