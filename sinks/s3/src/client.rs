//! A bucket: its address, its credentials, and the connections to it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::address::Address;
use crate::config::Config;
use crate::direct::{is_direct, is_here};
use crate::errors::disconnected;
use crate::retry::{Failed, Retry};
use crate::signing::Credentials;

const CONNECT: Duration = Duration::from_secs(10);

/// A bucket of objects to read and write. Clones share the connections.
#[derive(Clone)]
pub struct Bucket(pub(super) Arc<Inner>);

pub(super) struct Inner {
    agent: Mutex<Agent>,
    pub(super) address: Address,
    pub(super) credentials: Credentials,
    pub(super) retry: Retry,
}

impl Bucket {
    /// Returns a bucket by its name. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` for invalid names and endpoints.
    pub fn new(name: &str, config: &Config) -> io::Result<Self> {
        let address = Address::new(name, config)?;
        let agent = Mutex::new(agent(&address, config));
        let (credentials, retry) = (config.credentials.clone(), config.retry);
        Ok(Self(Arc::new(Inner { agent, address, credentials, retry })))
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.address.bucket
    }

    /// Returns the name of an object in messages.
    pub(super) fn name_of(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name())
    }

    pub(super) fn agent(&self) -> Agent {
        self.0.agent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the requests and answers of other threads in progress. Later requests are not affected.
    pub(super) fn interrupt_requests(&self) {
        let fresh = self.agent().config().clone().new_agent();
        let mut agent = self.0.agent.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *agent, fresh).shutdown();
    }

    pub(super) fn disconnected(&self, name: &str, error: ureq::Error) -> Failed {
        disconnected(name, &self.0.address.authority, error)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Refuses keys that other programs take for the name of another object, of the bucket, or of
/// another bucket.
pub(super) fn check_key(key: &str, name: &str) -> io::Result<()> {
    if key.is_empty() || key.split('/').any(|part| matches!(part, "." | "..")) {
        let what = if key.is_empty() {
            "the key is empty"
        } else {
            "the key has a part that is . or .., which many programs resolve as in a path"
        };
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("{name}: {what}")));
    }
    Ok(())
}

/// Does not follow redirections, because the signature is for one host.
fn agent(address: &Address, config: &Config) -> Agent {
    let mut tls = TlsConfig::builder();
    if !config.roots.is_empty() {
        tls = tls.root_certs(RootCerts::new_with_certs(&config.roots));
    }
    let is_direct = is_here(address.host()) || is_direct(&config.no_proxy, address.host(), address.port());
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(tls.build())
        .accept_encoding("identity")
        .user_agent(concat!("stream-v2/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        // A body may take any time, as long as the connection takes some of it.
        .timeout_per_write(Some(config.stall));
    if is_direct {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_in_no_proxy_are_reached_directly() {
        let agent = |endpoint: &str, no_proxy: &str| {
            let mut config = Config::new("r", "key", "hidden").unwrap().with_endpoint(endpoint).unwrap();
            config.no_proxy = no_proxy.into();
            Bucket::new("bucket", &config).unwrap().agent()
        };
        // Independent of the environment of the test.
        assert!(agent("http://s3.local:9000", "x, .LOCAL:9000").config().proxy().is_none());
        assert!(agent("http://[::1]:9000", "").config().proxy().is_none());
    }
}
