//! The server: its thread and runtime, its connections, and the effect of faults on answers.

use std::net;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HeaderValue, IF_NONE_MATCH};
use hyper::http::response::Parts;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error, S3ErrorCode};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::connection::{Connection, Cut, Knife};
use crate::fault::Fault;
use crate::identity::{KEY_ID, SECRET};
use crate::request::{Operation, Request};
use crate::service::Service;
use crate::signed::Signed;
use crate::state::State;

/// The length of the head that is sent of a cut answer, in bytes.
const HEAD_CUT: usize = 20;

/// Serves until `stopped` resolves. Everything on the runtime ends with it, so every connection is
/// closed.
pub(crate) fn run(listener: net::TcpListener, state: Arc<Mutex<State>>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        tokio::spawn(accept(listener, state));
        // Nothing is ever sent. The sender is dropped.
        let _ = stopped.await;
    });
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut builder = S3ServiceBuilder::new(Service(Arc::clone(&state)));
    builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
    builder.set_access(Signed);
    let front = Arc::new(Answering { service: builder.build(), state });
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let knife = Knife::new(Mutex::new(Cut::Nowhere));
        let connection = Connection::new(stream, Arc::clone(&knife));
        let front = Arc::clone(&front);
        let answers = service_fn(move |request| {
            let (front, knife) = (Arc::clone(&front), Arc::clone(&knife));
            async move { front.answer(request, &knife).await }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(connection, answers));
    }
}

/// The service that answers requests.
struct Answering {
    service: S3Service,
    state: Arc<Mutex<State>>,
}

impl Answering {
    /// Answers a request and returns where the answer is cut.
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        knife: &Knife,
    ) -> hyper::Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        // The whole body is read first, because a client that is still writing would not see the
        // answer.
        let body = body.collect().await?.to_bytes();
        let mut record = Request::of(&parts, &body);
        let is_head = parts.method == Method::HEAD;
        let fault = self.fault(&parts, record.operation);
        if fault == Some(Fault::Silence) {
            record.status = 0;
            self.state.lock().unwrap().requests.push(record);
            return std::future::pending().await;
        }
        let answer = match &fault {
            Some(Fault::Refuse(status, code, message)) => refusal(*status, code, message).await,
            Some(Fault::Answer(body)) => Response::new(Bytes::from(body.clone())),
            Some(Fault::Hangup) => Response::default(),
            _ => {
                let mut request = hyper::Request::from_parts(parts, Body::from(body));
                request.extensions_mut().extend(fault.clone().map(extension).unwrap_or_default());
                let answer = whole(self.service.call(request).await.unwrap()).await;
                match &fault {
                    Some(Fault::RefuseAfter(status, code, message)) => refusal(*status, code, message).await,
                    _ => answer,
                }
            }
        };
        let (mut head, mut body) = answer.into_parts();
        announce(&mut head, body.len());
        if is_head {
            body.clear();
        }
        let cut = match fault {
            Some(Fault::Hangup | Fault::Lose) => Cut::After(0),
            Some(Fault::CutHead) => Cut::After(HEAD_CUT),
            Some(Fault::CutBody(len)) if len < body.len() => Cut::in_body(len),
            _ => Cut::Nowhere,
        };
        record.status = if cut == Cut::After(0) { 0 } else { head.status.as_u16() };
        record.sent = match cut {
            Cut::Nowhere => body.len(),
            Cut::After(_) => 0,
            Cut::InBody { len, .. } => len,
        };
        // This happens before the client can see the answer.
        self.state.lock().unwrap().requests.push(record);
        *knife.lock().unwrap() = cut;
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

impl Answering {
    /// Returns the fault of a request: the requested one, or an operation that the server does not
    /// support.
    fn fault(&self, parts: &hyper::http::request::Parts, operation: Operation) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let refuses = state.manners.refuses_conditions.filter(|_| parts.headers.contains_key(IF_NONE_MATCH));
        let refuses =
            refuses.map(|(status, code)| Fault::Refuse(status, code, "A header is not implemented"));
        state.faults.take(operation).or(refuses)
    }
}

/// Returns an error in the form that S3 uses.
async fn refusal(status: u16, code: &'static str, message: &'static str) -> Response<Bytes> {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap();
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(StatusCode::from_u16(status).unwrap());
    whole(error.to_http_response().unwrap()).await
}

/// Returns an answer with its whole body.
async fn whole(answer: Response<Body>) -> Response<Bytes> {
    let (head, body) = answer.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

/// Announces the body, unless the body is of an object and is not sent.
fn announce(head: &mut Parts, len: usize) {
    if !head.headers.contains_key(CONTENT_LENGTH) && head.status != StatusCode::NO_CONTENT {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
    }
}

/// Passes a fault to the operations.
fn extension(fault: Fault) -> hyper::http::Extensions {
    let mut extensions = hyper::http::Extensions::new();
    extensions.insert(fault);
    extensions
}
