//! An S3 for tests, on loopback: objects in memory, signatures checked, faults on demand, requests and bytes counted. It is plain HTTP/1.1 on plain
//! sockets, because a server that is any good will not cut a connection at a byte that was asked for.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from binary to binary, so nothing can be expected"
)]

mod signature;

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use sha2::{Digest, Sha256};

pub(crate) const REGION: &str = "test-1";
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "sesame/open+it";

/// What becomes of one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error with a status, a code and a message.
    Refuse(u16, &'static str, &'static str),
    /// The connection is closed in the place of an answer.
    Hangup,
    /// The connection is closed within the head of the answer.
    CutHead,
    /// The connection is closed after so many bytes of the body that was announced.
    CutBody(usize),
    /// Fewer bytes than were asked for, and that is said.
    Fewer(usize),
    /// The object is another one from here on.
    Replace(Vec<u8>),
    /// The same, and the server does not know If-Match.
    ReplaceUnseen(Vec<u8>),
    /// The server does not know ranges.
    Whole,
}

/// A request, and what was sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// First and last byte.
    pub(crate) range: Option<(usize, usize)>,
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) sent: usize,
}

#[derive(Default)]
struct State {
    /// By bucket and key: `BUCKET/KEY`.
    objects: BTreeMap<String, Vec<u8>>,
    faults: VecDeque<Fault>,
    requests: Vec<Request>,
    open: Vec<TcpStream>,
    stopped: bool,
}

/// The server: it stops when it is dropped.
pub(crate) struct Front {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || accept(&listener, &shared));
        Self { address, state, thread: Some(thread) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stores an object under `BUCKET/KEY`.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.state.lock().unwrap().objects.insert(name.into(), bytes.into());
    }

    /// What becomes of the next requests, one after the other.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults = faults.into_iter().collect();
    }

    /// Faults that have not come about.
    pub(crate) fn faults_left(&self) -> usize {
        self.state.lock().unwrap().faults.len()
    }

    /// The requests since the last time.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap();
        state.stopped = true;
        for connection in state.open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        // The one that it waits for.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, state: &Arc<Mutex<State>>) {
    let mut connections = Vec::new();
    for connection in listener.incoming() {
        let connection = connection.unwrap();
        {
            let mut state = state.lock().unwrap();
            if state.stopped {
                break;
            }
            state.open.push(connection.try_clone().unwrap());
        }
        let state = Arc::clone(state);
        connections.push(thread::spawn(move || serve(&connection, &state)));
    }
    for connection in connections {
        let _ = connection.join();
    }
}

/// What was asked.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        let mut next = || {
            line.clear();
            let read = reader.read_line(&mut line).ok()?;
            (read > 0).then(|| line.trim_end().to_owned())
        };
        let first = next()?;
        let (method, target) = first.strip_suffix(" HTTP/1.1")?.split_once(' ')?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = BTreeMap::new();
        loop {
            let line = next()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        Some(Self { method: method.into(), path: path.into(), query: query.into(), headers })
    }

    fn range(&self) -> Option<(usize, usize)> {
        let (first, last) = self.headers.get("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    }
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn refusing(status: u16, code: &str, message: &str) -> Self {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        Self { status, headers: vec![("Content-Type", "application/xml".into())], body: xml.into_bytes() }
    }
}

fn serve(connection: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection);
    while let Some(asked) = Asked::read(&mut reader) {
        let mut state = state.lock().unwrap();
        let fault = state.faults.pop_front();
        let answer = answer(&asked, &mut state.objects, fault.as_ref());
        let is_head = asked.method == "HEAD";
        let announced = answer.body.len();
        let mut head = format!("HTTP/1.1 {} Answer\r\nContent-Length: {announced}\r\n", answer.status);
        for (name, value) in &answer.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        let head_len = bytes.len();
        if !is_head {
            bytes.extend_from_slice(&answer.body);
        }
        let cut = match fault {
            Some(Fault::Hangup) => Some(0),
            Some(Fault::CutHead) => Some(20),
            Some(Fault::CutBody(len)) if !is_head && len < announced => Some(head_len + len),
            _ => None,
        };
        bytes.truncate(cut.unwrap_or(usize::MAX));
        let (status, sent) = (answer.status, bytes.len().saturating_sub(head_len));
        state.requests.push(Request { method: asked.method.clone(), range: asked.range(), status, sent });
        drop(state);
        let written = (&*connection).write_all(&bytes);
        if written.is_err() || cut.is_some() {
            break;
        }
    }
    let _ = connection.shutdown(Shutdown::Both);
}

fn answer(asked: &Asked, objects: &mut BTreeMap<String, Vec<u8>>, fault: Option<&Fault>) -> Answer {
    if let Some(Fault::Refuse(status, code, message)) = fault {
        return Answer::refusing(*status, code, message);
    }
    if !signature::is_right(asked) {
        return Answer::refusing(
            403,
            "SignatureDoesNotMatch",
            "The signature is not the one of this request.",
        );
    }
    let name = signature::decoded(asked.path.trim_start_matches('/'));
    if let Some(Fault::Replace(bytes) | Fault::ReplaceUnseen(bytes)) = fault {
        objects.insert(name.clone(), bytes.clone());
    }
    let Some(object) = objects.get(&name) else {
        return Answer::refusing(404, "NoSuchKey", "The specified key does not exist.");
    };
    let etag = format!("\"{}\"", hex::encode(Sha256::digest(object)));
    let is_unseen = matches!(fault, Some(Fault::ReplaceUnseen(_)));
    if !is_unseen && asked.headers.get("if-match").is_some_and(|wanted| *wanted != etag) {
        return Answer::refusing(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions did not hold.",
        );
    }
    let mut headers = vec![("ETag", etag), ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT".into())];
    let Some((first, last)) = asked.range().filter(|_| !matches!(fault, Some(Fault::Whole))) else {
        return Answer { status: 200, headers, body: object.clone() };
    };
    if first >= object.len() {
        return Answer::refusing(416, "InvalidRange", "The requested range is not satisfiable.");
    }
    let mut end = object.len().min(last + 1);
    if let Some(Fault::Fewer(len)) = fault {
        end = end.min(first + len.max(&1));
    }
    headers.push(("Content-Range", format!("bytes {first}-{}/{}", end - 1, object.len())));
    Answer { status: 206, headers, body: object[first..end].to_vec() }
}
