//! Kills the command repeatedly, at random moments, while it writes to a real server: `.ci/s3
//! rounds`.
//!
//! The server is sometimes killed too.

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use stream_v2_s3_servers::Server;
use stream_v2_testing::command::Ran;
use stream_v2_testing::command::s3::Served;
use stream_v2_testing::plaintext;

const LEN: usize = 64 << 20;
const ENCRYPT: &str = "encrypt -k key --sync-every 4M - -o s3://bucket/out";
const DECRYPT: &str = "decrypt -k key --sync-every 4M s3://bucket/data.sv2 -o s3://bucket/out";
const LOOK: Duration = Duration::from_millis(1);
/// How much longer a run may take when it waits for a server.
const STARTING: Duration = Duration::from_secs(8);
/// A server keeps removed data, so it is replaced after this many rounds.
const ROUNDS_OF_A_SERVER: u64 = 50;

/// The counts of actions and results.
#[derive(Debug, Default)]
struct Figures {
    rounds: u64,
    kills: u64,
    /// Runs that resumed a partial output.
    gone_on: u64,
    /// Segments that those runs kept.
    segments_kept: u64,
    server_kills: u64,
    /// Runs that reported that the server was gone.
    gave_up: u64,
    /// Results that were equal byte for byte.
    exact: u64,
    /// Uploads without a record, and without parts.
    unknown_uploads: usize,
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bound.mul_f64((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// The moments of the kills in a run.
struct Moments {
    command: Duration,
    server: Option<Duration>,
}

/// Starts the command, feeds it, and kills what the moments say. Returns `None` if the command was
/// killed.
fn run(
    served: &mut Served,
    args: &str,
    input: &[u8],
    moments: &Moments,
    figures: &mut Figures,
) -> Option<Ran> {
    let mut command = served.sv2(args);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begin = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (mut server, mut was_killed) = (moments.server, false);
    thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        while child.try_wait().unwrap().is_none() {
            if server.is_some_and(|moment| begin.elapsed() >= moment) {
                served.server.kill();
                served.server.start_again();
                (server, figures.server_kills) = (None, figures.server_kills + 1);
            }
            if begin.elapsed() >= moments.command {
                child.kill().unwrap();
                was_killed = true;
                break;
            }
            thread::sleep(LOOK);
        }
    });
    let ran = Ran(child.wait_with_output().unwrap());
    // "NAME: resuming after 12 segments, 12582912 bytes"
    if let Some((_, kept)) = ran.stderr().split_once("resuming after ") {
        figures.gone_on += 1;
        figures.segments_kept += kept.split(' ').next().unwrap().parse::<u64>().unwrap();
    }
    if was_killed && ran.0.status.code().is_none() {
        figures.kills += 1;
        return None;
    }
    Some(ran)
}

/// The command that is repeated.
struct Task<'a> {
    args: &'a str,
    input: &'a [u8],
    /// How long it takes without disturbance.
    takes: Duration,
}

/// Repeats the command until it is done.
fn round(served: &mut Served, task: &Task<'_>, server_too: bool, random: &mut Random, figures: &mut Figures) {
    let mut server_too = server_too;
    loop {
        let longest = if server_too { task.takes + STARTING } else { task.takes.mul_f64(1.1) };
        let command = random.below(longest);
        let server = server_too.then(|| random.below(task.takes));
        let kills_before = figures.server_kills;
        let ended = run(served, task.args, task.input, &Moments { command, server }, figures);
        let is_without_server = figures.server_kills > kills_before;
        server_too &= !is_without_server;
        if is_without_server {
            served.server.until_ready();
        }
        match ended {
            None => {}
            Some(ran) if ran.0.status.success() => return,
            // The previous run was killed after everything was done.
            Some(ran) if ran.code() == 2 && ran.stderr().contains("exists already") => return,
            Some(ran) if ran.code() == 3 && is_without_server => figures.gave_up += 1,
            Some(ran) => unreachable!("{} {ran}", task.args),
        }
    }
}

/// A stream as an object, and the time that it took.
fn with_a_stream(input: &[u8]) -> (Served, Duration) {
    let mut served = Served::new();
    let begin = Instant::now();
    let undisturbed = Moments { command: Duration::from_secs(600), server: None };
    let args = "encrypt -q -k key --sync-every 4M - -o s3://bucket/data.sv2";
    run(&mut served, args, input, &undisturbed, &mut Figures::default()).unwrap().done();
    (served, begin.elapsed())
}

/// Returns the number of rounds, and the random moments of their kills.
fn settings() -> (u64, Random) {
    let number =
        |name, other: fn() -> u64| std::env::var(name).map_or_else(|_| other(), |text| text.parse().unwrap());
    let (rounds, seed) =
        (number("SV2_ROUNDS", || 100), number("SV2_SEED", || RandomState::new().hash_one(0)));
    println!("SV2_SEED={seed}");
    (rounds, Random(seed))
}

#[test]
#[ignore = "needs a server, and minutes: .ci/s3 rounds"]
fn rounds() {
    let ((rounds, mut random), mut figures) = (settings(), Figures::default());
    let input = plaintext(LEN);
    let (mut served, mut takes) = with_a_stream(&input);
    while figures.rounds < rounds {
        if figures.rounds > 0 && figures.rounds.is_multiple_of(ROUNDS_OF_A_SERVER) {
            (served, takes) = with_a_stream(&input);
        }
        let (decrypts, server_too) = (figures.rounds % 2 == 1, figures.rounds % 5 == 4);
        let (args, fed) = if decrypts { (DECRYPT, &[][..]) } else { (ENCRYPT, &input[..]) };
        let task = Task { args, input: fed, takes };
        round(&mut served, &task, server_too, &mut random, &mut figures);
        let result = match decrypts {
            false => served.run("decrypt -q -k key s3://bucket/out -o -").done().stdout().to_vec(),
            true => served.server.read("out"),
        };
        assert!(result == input);
        figures.exact += 1;
        served.nothing_is_left();
        served.server.remove("out");
        figures.unknown_uploads += served.server.abort_unfinished();
        figures.rounds += 1;
        if figures.rounds.is_multiple_of(10) {
            println!("{figures:?}");
        }
    }
    println!("{figures:?}");
}

/// Kills an encryption for a recipient, and resumes it without the identity: into a file, a
/// database, and S3.
#[test]
#[ignore = "needs a server, and minutes: .ci/s3 resume-keys"]
fn resume_keys() {
    let (rounds, mut random) = settings();
    let (input, mut served) = (plaintext(LEN), Served::new());
    served.folder.write("data", &input);
    let recipient = served.folder.run("keygen --identity -o identity").done().text().trim().to_owned();
    for output in ["out", "sqlite:all.db?stream=out", "s3://bucket/out"] {
        let args = format!("encrypt -r {recipient} --sync-every 4M data -o {output}");
        let begin = Instant::now();
        served.run(&format!("{args} -q")).done();
        let takes = begin.elapsed();
        let mut figures = Figures::default();
        while figures.rounds < rounds {
            if output.starts_with("s3:") && figures.rounds.is_multiple_of(ROUNDS_OF_A_SERVER) {
                served.server = Server::start();
            }
            remove(&served, output);
            let task = Task { args: &args, input: &[], takes };
            round(&mut served, &task, false, &mut random, &mut figures);
            let kept = kept_keys(&served);
            assert!(kept.is_empty(), "{output}: round {}: {kept:?}", figures.rounds);
            let back = served.run(&format!("decrypt -q -i identity {output} -o -")).done();
            assert!(back.stdout() == input);
            figures.exact += 1;
            figures.rounds += 1;
        }
        println!("{output}: {figures:?}");
        assert!(figures.gone_on > 0, "{output}: no run was resumed");
    }
}

fn remove(served: &Served, output: &str) {
    match output {
        "out" => drop(std::fs::remove_file(served.folder.path("out"))),
        _ if output.starts_with("s3:") => served.server.remove("out"),
        _ => drop(served.run(&format!("delete {output}"))),
    }
}

/// Returns the names of the resume keys that are left, in the state folder of the command.
fn kept_keys(served: &Served) -> Vec<String> {
    let kept = std::fs::read_dir(served.folder.path("state/resume-keys")).unwrap();
    let names = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "CACHEDIR.TAG").collect()
}
