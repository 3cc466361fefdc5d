//! `SeaweedFS`, which is four servers in one program. Its telemetry is turned off.

use std::fs;
use std::process::Child;

use crate::kind::Kind;
use crate::ports::SECOND;
use crate::process::Home;

pub(crate) fn prepare(home: &Home<'_>) {
    fs::create_dir(home.path("data")).unwrap();
    let (id, secret) = (Kind::Seaweed.key_id(), Kind::Seaweed.secret());
    let credentials = format!(r#""credentials": [{{"accessKey": "{id}", "secretKey": "{secret}"}}]"#);
    let actions = r#""actions": ["Admin", "Read", "Write", "List", "Tagging"]"#;
    home.write("s3.json", &format!(r#"{{"identities": [{{"name": "sv2", {credentials}, {actions}}}]}}"#));
}

pub(crate) fn start(home: &Home<'_>, [s3, master, volume, filer]: [u16; 4]) -> Child {
    let weed = Kind::Seaweed.program();
    let ports = [
        format!("-master.port={master}"),
        format!("-volume.port={volume}"),
        format!("-filer.port={filer}"),
        format!("-s3.port={s3}"),
        format!("-dir={}", home.text("data")),
        format!("-s3.config={}", home.text("s3.json")),
    ];
    let mut words = vec![&*weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"];
    words.extend(["-master.telemetry=false", "-master.electionTimeout=1s"]);
    words.extend(["-master.heartbeatInterval=200ms", "-master.volumeSizeLimitMB=64"]);
    words.extend(["-volume.max=400", "-filer", "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
    words.extend(ports.iter().map(|word| &**word));
    home.start(&words)
}

/// Removes the sockets that it leaves in the shared temporary folder.
pub(crate) fn clean([s3, master, volume, filer]: [u16; 4]) {
    for (server, port) in [("master", master), ("volume", volume), ("filer", filer), ("s3", s3)] {
        for name in [format!("{server}-{port}"), format!("{server}-grpc-{}", port + SECOND)] {
            // Not every server has both sockets.
            let _ = fs::remove_file(format!("/tmp/seaweedfs-{name}.sock"));
        }
    }
}
