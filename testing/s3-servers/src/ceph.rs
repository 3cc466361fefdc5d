//! Ceph's gateway, with one monitor and one store in memory. Only the gateway is killed.

use std::fs;
use std::process::Child;

use crate::kind::Kind;
use crate::process::Home;

const CONFIG: &str = "
public addr = 127.0.0.1
cluster addr = 127.0.0.1
admin socket =
run dir = FOLDER
log file = FOLDER/$name.log
pid file =
keyring = FOLDER/keyring
mon data = FOLDER/mon
osd data = FOLDER/osd
rgw data = FOLDER/rgw
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 0
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
";

fn program(name: &str) -> String {
    format!("{}/{name}", Kind::Ceph.program())
}

/// Starts the monitor and the store, and creates the user.
pub(crate) fn prepare(home: &Home<'_>, [s3, second, first, _]: [u16; 4]) -> [Child; 2] {
    ["mon", "osd", "rgw"].iter().for_each(|name| fs::create_dir(home.path(name)).unwrap());
    let (fsid, osd) = (uuid(), uuid());
    let monitors = format!("[v2:127.0.0.1:{second},v1:127.0.0.1:{first}]");
    let config = CONFIG.replace("FOLDER", &home.text(""));
    let frontend = format!("rgw frontends = beast endpoint=127.0.0.1:{s3}");
    home.write("conf", &format!("[global]\nfsid = {fsid}\nmon host = {monitors}\n{frontend}\n{config}"));
    let conf = home.text("conf");
    let keys = |words: &[&str]| home.run(&[&[&*program("ceph-authtool"), "keyring"], words].concat());
    keys(&["--create-keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"]);
    for name in ["client.admin", "client.rgw", "osd.0"] {
        keys(&["--gen-key", "-n", name, "--cap", "mon", "allow *", "--cap", "osd", "allow *"]);
    }
    home.run(&[&program("monmaptool"), "--create", "--fsid", &fsid, "--addv", "a", &monitors, "monmap"]);
    let monitor = program("ceph-mon");
    home.run(&[&monitor, "-c", &conf, "-i", "a", "--mkfs", "--monmap", "monmap", "--keyring", "keyring"]);
    let monitor = home.start(&[&monitor, "-c", &conf, "-i", "a", "-f"]);
    home.run(&[&program("ceph"), "--connect-timeout", "60", "-c", &conf, "osd", "new", &osd]);
    let store = program("ceph-osd");
    home.run(&[&store, "-c", &conf, "-i", "0", "--mkfs", "--osd-uuid", &osd]);
    let store = home.start(&[&store, "-c", &conf, "-i", "0", "-f"]);
    let (id, secret) = (Kind::Ceph.key_id(), Kind::Ceph.secret());
    let admin = program("radosgw-admin");
    let mut words = vec![&*admin, "-c", &conf, "-n", "client.rgw", "user", "create", "--uid", "sv2"];
    words.extend(["--display-name", "sv2", "--access-key", id, "--secret-key", secret]);
    home.run(&words);
    [monitor, store]
}

pub(crate) fn start(home: &Home<'_>) -> Child {
    home.start(&[&program("radosgw"), "-c", &home.text("conf"), "-n", "client.rgw", "-f"])
}

fn uuid() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap().trim().to_owned()
}
