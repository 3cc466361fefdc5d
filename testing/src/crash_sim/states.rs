//! Every state that a crash can leave, under stated models.
//!
//! **The process is killed** (`killed`). Every requested operation up to any call is present. Of a
//! write that was under way, any first part is present.
//!
//! **The machine loses power** (`lost_power`).
//!
//! - Data of a file that was written before its last sync is present.
//! - Each later write is present, lost or torn, whatever became of the writes before and after it.
//!   A torn write lacks its first or its second half.
//! - Bytes that were never written are zero.
//! - A length that was set after the last sync is present or not.
//! - Names are as they were when their folder was last synced. Any of the later changes of names
//!   are present. Each folder is synced apart.
//! - Requests that S3 has answered are done.
//!
//! So journal and data can be at any points that their syncs allow.
//!
//! **A sync fails** (`Op::SyncFailed`, `Op::SyncFolderFailed`). The changes to that file, or to
//! names, since the last sync are lost, and the machine still sees them. A later sync does not make
//! them durable, as on Linux, where the pages are clean after the failure was reported. Only
//! repeating the changes does.

use std::path::PathBuf;

use super::sim::{Contents, Inode, Op, folder_of};

/// Returns the state after the first `calls` operations, and `cut` bytes of the next one if it is a
/// write.
pub fn killed(start: &Contents, log: &[Op], calls: usize, cut: usize) -> Contents {
    let mut contents = start.clone();
    log[..calls].iter().for_each(|op| contents.apply(op));
    if let Some(Op::Write(inode, at, bytes)) = log.get(calls)
        && cut > 0
    {
        contents.write(*inode, *at, &bytes[..cut]);
    }
    contents
}

/// Returns all `(calls, cut)` of a log, with at most `cuts` cuts of each write. With `usize::MAX`
/// these are all of its bytes.
pub fn kills(log: &[Op], cuts: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    (0..=log.len()).flat_map(move |calls| {
        let len = match log.get(calls) {
            Some(Op::Write(_, _, bytes)) => bytes.len(),
            _ => 1,
        };
        (0..len).step_by(len.div_ceil(cuts).max(1)).map(move |cut| (calls, cut))
    })
}

/// An operation that nothing has made durable.
enum Open {
    Write(Inode, usize, Vec<u8>),
    SetLen(Inode, usize),
    Forget(Inode, usize, usize),
    /// Names and the files that they refer to afterwards. All of them are present, or none.
    Names(Vec<(PathBuf, Option<Inode>)>),
}

impl Open {
    fn new(op: &Op, before: &Contents) -> Self {
        match op {
            Op::Write(inode, at, bytes) => Self::Write(*inode, *at, bytes.clone()),
            Op::SetLen(inode, len) => Self::SetLen(*inode, *len),
            Op::Create(name, inode) => Self::Names(vec![(name.clone(), Some(*inode))]),
            Op::Rename(from, to) => {
                Self::Names(vec![(from.clone(), None), (to.clone(), before.names.get(from).copied())])
            }
            Op::Link(from, to) => Self::Names(vec![(to.clone(), before.names.get(from).copied())]),
            Op::Remove(name) => Self::Names(vec![(name.clone(), None)]),
            Op::Forget(inode, begin, end) => Self::Forget(*inode, *begin, *end),
            Op::Sync(_) | Op::SyncFolder(_) | Op::SyncFailed(_) | Op::SyncFolderFailed(_) | Op::Remote(_) => {
                Self::Names(Vec::new())
            }
        }
    }

    /// Returns the number of possible outcomes: lost and whole, and a write torn in two ways.
    const fn fates(&self) -> usize {
        if matches!(self, Self::Write(..)) { 4 } else { 2 }
    }

    fn apply(&self, fate: usize, contents: &mut Contents) {
        match self {
            _ if fate == 0 => {}
            Self::Write(inode, at, bytes) => {
                let half = bytes.len() / 2;
                let (from, to) = [(0, 0), (0, bytes.len()), (0, half), (half, bytes.len())][fate];
                contents.write(*inode, at + from, &bytes[from..to]);
            }
            Self::SetLen(inode, len) => contents.apply(&Op::SetLen(*inode, *len)),
            Self::Forget(inode, begin, end) => contents.apply(&Op::Forget(*inode, *begin, *end)),
            Self::Names(names) => names.iter().for_each(|(name, inode)| match inode {
                Some(inode) => {
                    contents.make_room(*inode);
                    contents.names.insert(name.clone(), *inode);
                }
                None => {
                    contents.names.remove(name);
                }
            }),
        }
    }
}

/// Shows `look` every state that a loss of power can leave after at least `from` operations, with
/// the number of operations.
///
/// It checks only points before a sync or a request to S3. The possible losses there include all
/// losses at earlier points.
pub fn lost_power(start: &Contents, log: &[Op], from: usize, mut look: impl FnMut(usize, &Contents)) {
    let is_sync = |op: Option<&Op>| {
        let Some(op) = op else { return true };
        matches!(
            op,
            Op::Sync(_) | Op::SyncFolder(_) | Op::SyncFailed(_) | Op::SyncFolderFailed(_) | Op::Remote(_)
        )
    };
    for calls in (from..=log.len()).filter(|&calls| is_sync(log.get(calls))) {
        let (kept, open) = kept_and_open(start, &log[..calls]);
        let mut fates = vec![0; open.len()];
        loop {
            let mut contents = kept.clone();
            open.iter().zip(&fates).for_each(|(open, &fate)| open.apply(fate, &mut contents));
            look(calls, &contents);
            // The fates count like the digits of a number.
            let next = (0..open.len()).find(|&place| fates[place] + 1 < open[place].fates());
            let Some(place) = next else { break };
            fates[place] += 1;
            fates[..place].fill(0);
        }
    }
}

/// Returns one of these states after all of `log`. `fate` chooses the outcome of each operation
/// that was not durable, modulo the number of its outcomes.
pub fn one_loss(start: &Contents, log: &[Op], mut fate: impl FnMut() -> usize) -> Contents {
    let (mut contents, open) = kept_and_open(start, log);
    open.iter().for_each(|open| open.apply(fate() % open.fates(), &mut contents));
    contents
}

/// Returns the durable state after `log`, and the operations that are not durable.
fn kept_and_open(start: &Contents, log: &[Op]) -> (Contents, Vec<Open>) {
    let (mut kept, mut seen, mut open) = (start.clone(), start.clone(), Vec::new());
    for (place, op) in log.iter().enumerate() {
        match (fate(op, &log[place + 1..]), op) {
            (Fate::Durable, Op::Remote(_)) => kept.apply(op),
            // A name may be given to a file whose other name was lost.
            (Fate::Durable, _) => Open::new(op, &seen).apply(1, &mut kept),
            (Fate::Lost, _) => {}
            (Fate::Open, _) => open.push(Open::new(op, &seen)),
        }
        seen.apply(op);
    }
    (kept, open)
}

/// Returns how many bytes of the partial output were on stable storage under its name after this
/// many operations.
pub fn durable_len(log: &[Op], calls: usize) -> usize {
    let (mut file, mut named, mut written, mut durable) = (None, false, 0, 0);
    for op in &log[..calls] {
        match op {
            Op::Create(name, inode) if name.ends_with("out.partial") => (file, named) = (Some(*inode), false),
            Op::SyncFolder(folder) if folder.as_os_str().is_empty() => named = true,
            Op::Write(inode, at, bytes) if file == Some(*inode) => written = at + bytes.len(),
            Op::SetLen(inode, len) if file == Some(*inode) => written = *len,
            Op::Sync(inode) if file == Some(*inode) => durable = written,
            _ => {}
        }
    }
    if named { durable } else { 0 }
}

/// The durability of an operation.
enum Fate {
    Durable,
    /// Its sync has failed.
    Lost,
    /// No sync has followed.
    Open,
}

fn fate(op: &Op, later: &[Op]) -> Fate {
    let (good, failed) = match op {
        Op::Write(inode, ..) | Op::SetLen(inode, _) | Op::Forget(inode, ..) => {
            (Op::Sync(*inode), Op::SyncFailed(*inode))
        }
        Op::Sync(_) | Op::SyncFolder(_) | Op::SyncFailed(_) | Op::SyncFolderFailed(_) | Op::Remote(_) => {
            return Fate::Durable;
        }
        // Both names of a rename are in one folder.
        Op::Create(name, _) | Op::Rename(name, _) | Op::Link(name, _) | Op::Remove(name) => {
            (Op::SyncFolder(folder_of(name)), Op::SyncFolderFailed(folder_of(name)))
        }
    };
    match later.iter().find(|&op| *op == good || *op == failed) {
        None => Fate::Open,
        Some(op) if *op == good => Fate::Durable,
        Some(_) => Fate::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_lost_torn_or_whole_and_a_name_is_seen_or_not() {
        let log = [
            Op::Create("a".into(), 0),
            Op::Write(0, 0, b"12".to_vec()),
            Op::Sync(0),
            Op::Write(0, 2, b"34".to_vec()),
        ];
        let mut states = Vec::new();
        lost_power(&Contents::default(), &log, 4, |_, contents| {
            states.push(contents.file("a").cloned());
        });
        let file = |bytes: &[u8]| Some(bytes.to_vec());
        let expected = [None, file(b"12"), None, file(b"1234"), None, file(b"123"), None, file(b"12\x004")];
        assert_eq!(states, expected);
    }

    #[test]
    fn a_failed_sync_loses_what_later_ones_do_not_bring_back() {
        let log = [
            Op::Create("a".into(), 0),
            Op::SyncFolder("".into()),
            Op::Write(0, 0, b"12".to_vec()),
            Op::SyncFailed(0),
            Op::Write(0, 2, b"34".to_vec()),
            Op::Sync(0),
            Op::Link("a".into(), "b".into()),
            Op::SyncFolderFailed("".into()),
            Op::SyncFolder("".into()),
        ];
        let mut states = Vec::new();
        lost_power(&Contents::default(), &log, log.len(), |_, contents| {
            states.push((contents.file("a").cloned(), contents.file("b").cloned()));
        });
        assert_eq!(states, [(Some(b"\0\x0034".to_vec()), None)]);
        let seen = killed(&Contents::default(), &log, log.len(), 0);
        assert_eq!(seen.file("b"), Some(&b"1234".to_vec()));
    }

    #[test]
    fn folders_become_durable_apart() {
        let log = [
            Op::Create("a/one".into(), 0),
            Op::Create("b/two".into(), 1),
            Op::SyncFolder("b".into()),
            Op::Remove("b/two".into()),
            Op::SyncFolder("a".into()),
        ];
        let mut states = Vec::new();
        lost_power(&Contents::default(), &log, log.len(), |_, contents| {
            states.push((contents.file("a/one").is_some(), contents.file("b/two").is_some()));
        });
        assert_eq!(states, [(true, true), (true, false)]);
    }

    #[test]
    fn a_killed_process_leaves_what_it_had_asked_for() {
        let log = [Op::Create("a".into(), 0), Op::Write(0, 0, b"12".to_vec()), Op::Sync(0)];
        let found: Vec<_> = kills(&log, usize::MAX)
            .map(|(calls, cut)| killed(&Contents::default(), &log, calls, cut).file("a").cloned())
            .collect();
        let file = |bytes: &[u8]| Some(bytes.to_vec());
        assert_eq!(found, [None, file(b""), file(b"1"), file(b"12"), file(b"12")]);
    }
}
