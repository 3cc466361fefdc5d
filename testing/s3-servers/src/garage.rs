//! Garage, as the only node of its cluster.

use std::process::Child;

use crate::kind::Kind;
use crate::process::Home;
use crate::request::REGION;

pub(crate) fn prepare(home: &Home<'_>, [s3, rpc, ..]: [u16; 4]) {
    let (metadata, data) = (home.text("metadata"), home.text("data"));
    let config = format!(
        r#"metadata_dir = "{metadata}"
data_dir = "{data}"
db_engine = "sqlite"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{}"

[s3_api]
s3_region = "{REGION}"
api_bind_addr = "127.0.0.1:{s3}"
"#,
        "00".repeat(32)
    );
    home.write("config.toml", &config);
}

pub(crate) fn start(home: &Home<'_>) -> Child {
    let id = format!("GARAGE_DEFAULT_ACCESS_KEY={}", Kind::Garage.key_id());
    let secret = format!("GARAGE_DEFAULT_SECRET_KEY={}", Kind::Garage.secret());
    let (program, config) = (Kind::Garage.program(), home.text("config.toml"));
    let mut words = vec!["env", &*id, &*secret, &*program, "-c", &*config];
    words.extend(["server", "--single-node", "--default-access-key"]);
    home.start(&words)
}
