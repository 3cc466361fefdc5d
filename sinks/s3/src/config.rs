//! The address of S3 and the credentials, from the environment and the profile files.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::direct::no_proxy;
use crate::profile::Profile;
use crate::retry::Retry;
use crate::signing::Credentials;

/// Limit on the time in which a connection takes nothing of a body.
const STALL: Duration = Duration::from_secs(60);

/// The address of S3, the credentials, and the limits.
///
/// Its `Debug` shows no credentials.
#[derive(Clone)]
pub struct Config {
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
    pub(super) credentials: Credentials,
    pub(super) retry: Retry,
    /// The trusted authorities. Empty means the built-in list.
    pub(super) roots: Vec<Certificate<'static>>,
    /// Hosts that are reached without a proxy.
    pub(super) no_proxy: String,
    /// Limit on the time in which a connection takes nothing of a body.
    pub(super) stall: Duration,
}

impl Config {
    /// Returns the S3 of AWS in a region, with an access key.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if `region` cannot be a region.
    pub fn new(region: &str, access_key_id: &str, secret_access_key: &str) -> io::Result<Self> {
        Self::with_credentials(region, Credentials::new(access_key_id, secret_access_key))
    }

    fn with_credentials(region: &str, credentials: Credentials) -> io::Result<Self> {
        // It becomes a part of a host name.
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(invalid("the region is made of letters, digits and hyphens"));
        }
        let (region, retry, no_proxy) = (region.into(), Retry::default(), no_proxy());
        Ok(Self { endpoint: None, region, credentials, retry, roots: Vec::new(), no_proxy, stall: STALL })
    }

    /// Sets another S3 than that of AWS: `http://` or `https://`, a host, a port.
    ///
    /// Buckets are then named in paths, and not in the host.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` for another scheme, or a user name in the endpoint.
    pub fn with_endpoint(mut self, endpoint: &str) -> io::Result<Self> {
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(invalid("the endpoint begins with http:// or https://"));
        }
        // It is shown in messages.
        if endpoint.contains(['@', '?', '#']) {
            return Err(invalid("the endpoint has no user name, no query and no fragment"));
        }
        self.endpoint = Some(endpoint.into());
        Ok(self)
    }

    /// Trusts the certificates in a PEM file as authorities.
    ///
    /// They replace the built-in list (Mozilla's, as of the build).
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if it contains no certificate.
    pub fn with_authorities(mut self, pem: &[u8]) -> io::Result<Self> {
        let certificates = parse_pem(pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        self.roots = certificates.collect();
        if self.roots.is_empty() {
            Err(invalid("the file of authorities holds no certificate"))
        } else {
            Ok(self)
        }
    }

    /// Sets the token of temporary credentials.
    #[must_use]
    pub fn with_session_token(mut self, token: &str) -> Self {
        self.credentials = self.credentials.with_token(Some(token));
        self
    }

    /// Sets the retries.
    #[must_use]
    pub const fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long a connection may take nothing of a body that is sent.
    ///
    /// The default is a minute.
    ///
    /// The time for the whole body has no limit, because a shared line may be slow.
    #[must_use]
    pub const fn with_stall_limit(mut self, limit: Duration) -> Self {
        self.stall = limit;
        self
    }

    /// Reads the environment and the profile files.
    ///
    /// An empty variable counts as missing. The first of several names is preferred:
    ///
    /// - Credentials: `AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. In
    ///   the profile: `aws_access_key_id` with `aws_secret_access_key` and `aws_session_token`.
    /// - Region: `AWS_REGION`, `AWS_DEFAULT_REGION`. In the profile: `region`.
    /// - Endpoint: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`. In the profile: `endpoint_url`.
    /// - A file of the trusted authorities: `AWS_CA_BUNDLE`. In the profile: `ca_bundle`.
    ///
    /// The profile is `AWS_PROFILE` or `default`. It is in `AWS_SHARED_CREDENTIALS_FILE` or
    /// `~/.aws/credentials`, and in `AWS_CONFIG_FILE` or `~/.aws/config`. With an endpoint the
    /// default region is `us-east-1`. Roles, SSO, credential processes and the credentials of
    /// machines are not supported.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if credentials or the region are missing or invalid.
    /// - any error while reading the files.
    pub fn from_env() -> io::Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Does the same as [`from_env`](Self::from_env), with variables from elsewhere.
    ///
    /// # Errors
    ///
    /// - the errors of [`from_env`](Self::from_env).
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> io::Result<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let profile = Profile::read(&variable)?;
        let endpoint = variable("AWS_ENDPOINT_URL_S3")
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .or_else(|| profile.get("endpoint_url"));
        let region = variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| profile.get("region"))
            .or_else(|| endpoint.as_ref().map(|_| "us-east-1".into()));
        let credentials = credentials(&variable, &profile)?;
        let region = region.ok_or_else(|| {
            invalid("no region: set AWS_REGION, or region in the profile; another S3 than that of AWS is named by AWS_ENDPOINT_URL")
        })?;
        let mut config = Self::with_credentials(&region, credentials)?;
        if let Some(endpoint) = endpoint {
            config = config.with_endpoint(&endpoint)?;
        }
        if let Some(path) = variable("AWS_CA_BUNDLE").or_else(|| profile.get("ca_bundle")) {
            let unread = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
            config = config.with_authorities(&std::fs::read(&path).map_err(unread)?)?;
        }
        Ok(config)
    }
}

/// Reads the credentials from variables alone, or from the profile alone.
///
/// A secret must not be combined with the key of another account.
fn credentials(variable: &impl Fn(&str) -> Option<String>, profile: &Profile) -> io::Result<Credentials> {
    let (key, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let (key, secret, token) = if key.is_some() || secret.is_some() {
        (key, secret, variable("AWS_SESSION_TOKEN"))
    } else {
        let get = |name| profile.get(name);
        (get("aws_access_key_id"), get("aws_secret_access_key"), get("aws_session_token"))
    };
    match (key, secret, token) {
        (Some(key), Some(secret), token) => Ok(Credentials::new(&key, &secret).with_token(token.as_deref())),
        (Some(_), None, _) => Err(invalid("an access key id without its secret access key")),
        (None, Some(_), _) => Err(invalid("a secret access key without its access key id")),
        (None, None, _) => Err(invalid(&format!(
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile that holds them; the profile {} does not",
            profile.name
        ))),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("S3: {what}"))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn of(variables: &[(&str, &str)]) -> io::Result<Config> {
        Config::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// Endpoint, region, key, secret, token.
    type Found = (Option<String>, String, String, String, Option<String>);

    fn found(variables: &[(&str, &str)]) -> Found {
        let config = of(variables).unwrap();
        let credentials = config.credentials;
        let (key, secret) = (credentials.key_id, credentials.secret.to_string());
        (config.endpoint, config.region, key, secret, credentials.token.map(|token| token.to_string()))
    }

    fn expect(endpoint: Option<&str>, region: &str, key: &str, secret: &str, token: Option<&str>) -> Found {
        let own = |text: &str| text.to_owned();
        (endpoint.map(own), own(region), own(key), own(secret), token.map(own))
    }

    fn write_profiles(home: &Path) {
        fs::create_dir(home.join(".aws")).unwrap();
        let credentials = "# of the whole team\n[default]\naws_access_key_id = A\naws_secret_access_key=S=1\n\n[ other ]\r\n\
                           aws_access_key_id=B\r\naws_secret_access_key=T\r\naws_session_token=U\r\n[half]\naws_access_key_id=C\n";
        fs::write(home.join(".aws/credentials"), credentials).unwrap();
        let config = "[default]\nregion = eu-west-1\ns3 =\n  region = nested\n[other]\nregion = unprefixed\n\
                      [profile  other]\nregion=eu-west-2\nendpoint_url = http://localhost:9000\n";
        fs::write(home.join(".aws/config"), config).unwrap();
    }

    #[test]
    fn variables_come_first_and_then_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        write_profiles(folder.path());
        let home = ("HOME", folder.path().to_str().unwrap());
        assert_eq!(found(&[home]), expect(None, "eu-west-1", "A", "S=1", None));
        let other = ("AWS_PROFILE", "other");
        let local = Some("http://localhost:9000");
        assert_eq!(found(&[home, other]), expect(local, "eu-west-2", "B", "T", Some("U")));
        let keys = [("AWS_ACCESS_KEY_ID", "K"), ("AWS_SECRET_ACCESS_KEY", "V")];
        let (region, general) = (("AWS_DEFAULT_REGION", "x-1"), ("AWS_ENDPOINT_URL", "https://a"));
        let variables = [home, other, keys[0], keys[1], region, general];
        assert_eq!(found(&variables), expect(Some("https://a"), "x-1", "K", "V", None));
        let more = [("AWS_REGION", "y-1"), ("AWS_ENDPOINT_URL_S3", "https://b"), ("AWS_SESSION_TOKEN", "W")];
        let variables = [&variables[..], &more].concat();
        assert_eq!(found(&variables), expect(Some("https://b"), "y-1", "K", "V", Some("W")));
        let bare = [keys[0], keys[1], general, ("AWS_REGION", " ")];
        assert_eq!(found(&bare), expect(Some("https://a"), "us-east-1", "K", "V", None));
        let file = folder.path().join(".aws/credentials");
        let named = [("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()), region];
        assert_eq!(found(&named), expect(None, "x-1", "A", "S=1", None));
    }

    #[test]
    fn config_faults_are_named_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        write_profiles(folder.path());
        let home = ("HOME", folder.path().to_str().unwrap());
        let (key, secret) = (("AWS_ACCESS_KEY_ID", "K"), ("AWS_SECRET_ACCESS_KEY", "hidden"));
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[], "no credentials"),
            (&[home, ("AWS_PROFILE", "absent")], "the profile absent does not"),
            (&[home, ("AWS_PROFILE", "half")], "without its secret access key"),
            (&[home, secret], "without its access key id"),
            (&[key, secret], "no region"),
            (&[key, secret, ("AWS_REGION", "a/@b")], "letters, digits and hyphens"),
            (&[key, secret, ("AWS_ENDPOINT_URL", "ftp://a")], "http://"),
            (&[key, secret, ("AWS_ENDPOINT_URL", "http://user:hidden@a")], "no user name"),
        ];
        for (variables, expected) in cases {
            let error = of(variables).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
        let region = ("AWS_REGION", "r");
        let file = folder.path().join(".aws/config");
        let bundle = |path| of(&[key, secret, region, ("AWS_CA_BUNDLE", path)]).unwrap_err();
        assert!(bundle(file.to_str().unwrap()).to_string().contains("no certificate"));
        assert_eq!(bundle("absent/bundle.pem").kind(), ErrorKind::NotFound);
        let config = of(&[key, secret, region, ("AWS_SESSION_TOKEN", "hidden-too")]).unwrap();
        assert!(!format!("{config:#?}").contains("hidden"));
    }
}
