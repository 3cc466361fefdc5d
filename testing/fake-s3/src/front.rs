//! What a test sees of the server.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::fault::Fault;
use crate::object::{Metadata, Stored};
use crate::request::{Operation, Request};
use crate::server;
use crate::state::State;

/// The server: it stops when it is dropped.
pub struct Front {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What the server calls it.
    pub id: String,
    /// `BUCKET/KEY` of the object that it is to become.
    pub name: String,
    /// `x-amz-meta-NAME`, by NAME.
    pub metadata: BTreeMap<String, String>,
    /// By their numbers. Of parts that were sent under one number, the last.
    pub parts: Vec<Part>,
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u16,
    /// With its quotation marks.
    pub etag: String,
    /// Bytes.
    pub size: usize,
    /// What it holds.
    pub bytes: Bytes,
}

impl Front {
    /// Starts a server, on any free port of the loopback.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || server::run(listener, shared, stopped));
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    /// `http://HOST:PORT`
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stores an object under `BUCKET/KEY`.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let object = Stored::new(Bytes::copy_from_slice(bytes), Metadata::new());
        self.state().objects.insert(name.into(), object);
    }

    /// The bytes of an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.state().objects.get(name)?.bytes.to_vec())
    }

    /// The ETag of an object, with its quotation marks.
    #[must_use]
    pub fn etag(&self, name: &str) -> Option<String> {
        Some(quoted(&self.state().objects.get(name)?.etag))
    }

    /// `x-amz-meta-NAME` of an object, by NAME.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<BTreeMap<String, String>> {
        Some(sorted(&self.state().objects.get(name)?.metadata))
    }

    /// Uploads that are neither completed nor aborted, in the order in which they began.
    #[must_use]
    pub fn uploads(&self) -> Vec<Upload> {
        let state = self.state();
        let part = |number: &u16, part: &Stored| Part {
            number: *number,
            etag: quoted(&part.etag),
            size: part.bytes.len(),
            bytes: part.bytes.clone(),
        };
        let uploads = state.uploads.unfinished.iter().map(|(id, upload)| Upload {
            id: id.clone(),
            name: upload.name.clone(),
            metadata: sorted(&upload.metadata),
            parts: upload
                .parts
                .iter()
                .filter_map(|(number, sent)| Some(part(number, sent.last()?)))
                .collect(),
        });
        uploads.collect()
    }

    /// Loses a part of an upload.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn drop_part(&self, upload: &str, number: u16) {
        let mut state = self.state();
        let parts = &mut state.uploads.unfinished.get_mut(upload).unwrap().parts;
        parts.remove(&number).unwrap();
    }

    /// Aborts an upload as the rules of a bucket do.
    ///
    /// # Panics
    /// If there is no such upload.
    pub fn expire(&self, upload: &str) {
        self.state().uploads.unfinished.remove(upload).unwrap();
    }

    /// What becomes of the next requests, one after the other, whatever they are; `None` lets one pass. What was left of the last time is forgotten.
    pub fn fail(&self, faults: impl IntoIterator<Item = impl Into<Option<Fault>>>) {
        self.state().faults.set_next(faults.into_iter().map(Into::into));
    }

    /// What becomes of one request of an operation, from now on: 0 is the next one. It costs none of the faults of [`fail`](Self::fail).
    pub fn fail_at(&self, operation: Operation, nth: usize, fault: Fault) {
        self.state().faults.set_at(operation, nth, fault);
    }

    /// Forgets all faults that have not come about.
    pub fn heal(&self) {
        self.state().faults = Default::default();
    }

    /// Faults that have not come about.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.state().faults.len()
    }

    /// The requests since the last time, in the order in which they were answered.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Lists come in pages of so many entries at most.
    pub fn set_page(&self, len: usize) {
        self.state().manners.page = Some(len);
    }

    /// A part that was sent twice is listed twice, as some servers do, the older one first.
    pub fn list_twice(&self) {
        self.state().manners.lists_twice = true;
    }

    /// Parts in front of the last one may be smaller than 5 MiB.
    pub fn allow_small_parts(&self) {
        self.state().manners.allows_small_parts = true;
    }

    /// An upload that is completed again is not known any more. Otherwise the answer is that of the first time, if the parts are the same.
    pub fn forget_completed(&self) {
        self.state().manners.forgets_completed = true;
    }

    /// `If-None-Match` of what creates an object is not looked at.
    pub fn ignore_conditions(&self) {
        self.state().manners.ignores_conditions = true;
    }

    /// What creates an object with `If-None-Match` is refused, with this status and code.
    pub fn refuse_conditions(&self, status: u16, code: &'static str) {
        self.state().manners.refuses_conditions = Some((status, code));
    }

    /// Objects that are not there are answered for with 403, as for somebody who may not list the
    /// bucket.
    pub fn hide_absent(&self) {
        self.state().manners.hides_absent = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn sorted(metadata: &Metadata) -> BTreeMap<String, String> {
    metadata.clone().into_iter().collect()
}
