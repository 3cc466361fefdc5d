//! The test's view of the server.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::fault::Fault;
use crate::object::{Metadata, Properties, Stored};
use crate::request::{Operation, Request};
use crate::server;
use crate::state::State;

/// The server. It stops when it is dropped.
pub struct Front {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The id that the server gave it.
    pub id: String,
    /// `BUCKET/KEY` of the object that it will become.
    pub name: String,
    /// `x-amz-meta-NAME`, by NAME.
    pub metadata: BTreeMap<String, String>,
    /// The parts in order of their numbers. If a number was sent more than once, the last one.
    pub parts: Vec<Part>,
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u16,
    /// With its quotation marks.
    pub etag: String,
    /// Its length in bytes.
    pub size: usize,
    /// Its content.
    pub bytes: Bytes,
}

impl Front {
    /// Starts a server on any free port of the loopback interface.
    ///
    /// # Panics
    /// - if no port is free.
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

    /// Returns its URL, `http://HOST:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stores an object under `BUCKET/KEY`.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let object = Stored::new(Bytes::copy_from_slice(bytes), Metadata::new());
        self.state().objects.insert(name.into(), object);
    }

    /// Returns the bytes of an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.state().objects.get(name)?.bytes.to_vec())
    }

    /// Returns the ETag of an object, with its quotation marks.
    #[must_use]
    pub fn etag(&self, name: &str) -> Option<String> {
        Some(quoted(&self.state().objects.get(name)?.etag))
    }

    /// Returns the `x-amz-meta-NAME` values of an object, by NAME.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<BTreeMap<String, String>> {
        Some(sorted(&self.state().objects.get(name)?.metadata))
    }

    /// Returns the properties of an object.
    #[must_use]
    pub fn properties(&self, name: &str) -> Option<Properties> {
        Some(self.state().objects.get(name)?.properties.clone())
    }

    /// Sets the metadata and the properties of an object.
    ///
    /// # Panics
    /// - if there is no such object.
    pub fn describe(&self, name: &str, metadata: &[(&str, &str)], properties: Properties) {
        let mut state = self.state();
        let object = state.objects.get_mut(name).unwrap();
        object.metadata = metadata.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        object.properties = properties;
    }

    /// Returns the uploads that are neither completed nor aborted, in the order in which they
    /// began.
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
    /// - if there is no such part.
    pub fn drop_part(&self, upload: &str, number: u16) {
        let mut state = self.state();
        let parts = &mut state.uploads.unfinished.get_mut(upload).unwrap().parts;
        parts.remove(&number).unwrap();
    }

    /// Aborts an upload as the lifecycle rules of a bucket do.
    ///
    /// # Panics
    /// - if there is no such upload.
    pub fn expire(&self, upload: &str) {
        self.state().uploads.unfinished.remove(upload).unwrap();
    }

    /// Sets the faults of the next requests, in order, whatever their operation. `None` lets one
    /// request pass. Faults left over from an earlier call are forgotten.
    pub fn fail(&self, faults: impl IntoIterator<Item = impl Into<Option<Fault>>>) {
        self.state().faults.set_next(faults.into_iter().map(Into::into));
    }

    /// Sets the fault of one request of an operation. `nth` counts from now on, and 0 is the next
    /// one. It uses up none of the faults of [`fail`](Self::fail).
    pub fn fail_at(&self, operation: Operation, nth: usize, fault: Fault) {
        self.state().faults.set_at(operation, nth, fault);
    }

    /// Forgets all pending faults.
    pub fn heal(&self) {
        self.state().faults = Default::default();
    }

    /// Returns the number of pending faults.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.state().faults.len()
    }

    /// Takes the requests since the last call, in the order in which they were answered.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Limits the pages of lists to this many entries.
    pub fn set_page(&self, len: usize) {
        self.state().manners.page = Some(len);
    }

    /// Lists a part that was sent twice as two entries, the older one first, as some servers do.
    pub fn list_twice(&self) {
        self.state().manners.lists_twice = true;
    }

    /// Lets parts before the last one be smaller than 5 MiB.
    pub fn allow_small_parts(&self) {
        self.state().manners.allows_small_parts = true;
    }

    /// Forgets an upload once it is completed. By default, completing it again gets the answer of
    /// the first time if the parts are the same.
    pub fn forget_completed(&self) {
        self.state().manners.forgets_completed = true;
    }

    /// Ignores `If-None-Match` on requests that create an object.
    pub fn ignore_conditions(&self) {
        self.state().manners.ignores_conditions = true;
    }

    /// Refuses requests that create an object with `If-None-Match`, with this status and code.
    pub fn refuse_conditions(&self, status: u16, code: &'static str) {
        self.state().manners.refuses_conditions = Some((status, code));
    }

    /// Answers 403 for objects that do not exist, as for a caller that may not list the bucket.
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
