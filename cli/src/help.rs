//! Help texts that follow the options: exit codes, environment and examples.

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the data was rejected: damaged, cut off, altered, or newer than this version
  2    wrong usage; nothing was read or written
  3    input or output failed
  4    wrong key or context
  5    a stream without its end was salvaged with --salvage
  130  interrupted; run the same command again to resume

Environment:
  SV2_KEY_FILE         the key file, if no option names a key
  SV2_STATE_DIR        folder for uploads in progress and resume keys
                       [default: ~/.local/state/sv2]
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL
                       S3: credentials, region and server

sv2 help VERB explains a verb.";

/// The examples of a verb, one a line.
macro_rules! examples {
    ($($line:literal),+ $(,)?) => { concat!("Examples:", $("\n  ", $line),+) };
}

pub(crate) const KEYGEN: &str = examples!(
    "sv2 keygen -o backup.key",
    "sv2 keygen --identity -o offline.txt          # prints its recipient",
);
pub(crate) const ENCRYPT: &str = examples!(
    "sv2 encrypt -k backup.key dump.sql            # again, if it was interrupted: it resumes",
    "tar -c /srv | sv2 encrypt -k backup.key -o s3://backups/srv.tar.sv2",
    "sv2 encrypt -p letter.odt                     # asks for a passphrase",
    "sv2 encrypt -R recipients.txt dump.sql        # this machine cannot read it",
    "sv2 encrypt -k backup.key --from-command -o db.sv2 -- pg_dump db",
);
pub(crate) const DECRYPT: &str = examples!(
    "sv2 decrypt -k backup.key dump.sql.sv2",
    "sv2 decrypt -i offline.txt dump.sql.sv2",
    "sv2 decrypt -k backup.key srv.tar.sv2 -o - | tar -x",
    "sv2 decrypt -k backup.key --salvage cut.sv2 -o part",
);
pub(crate) const VERIFY: &str = examples!(
    "sv2 verify -k backup.key dump.sql.sv2         # everything",
    "sv2 verify dump.sql.sv2                       # checksums only",
);
pub(crate) const CAT: &str = examples!("sv2 cat -k backup.key dump.sql.sv2 --range 1G..1025M");
pub(crate) const INSPECT: &str =
    examples!("sv2 inspect dump.sql.sv2", "sv2 inspect --json s3://backups/srv.tar.sv2");
pub(crate) const RECOVER: &str = examples!(
    "sv2 recover dump.sql.sv2.partial              # report only",
    "sv2 recover --truncate cut.sv2",
);
pub(crate) const REWRAP: &str = examples!(
    "sv2 rewrap -k old.key --new-key-file new.key dump.sql.sv2",
    "sv2 rewrap -k old.key -p dump.sql.sv2         # asks for a new passphrase",
    "sv2 rewrap -k old.key --new-key-file new.key --detached dump.envelope dump.sql.sv2",
    "sv2 rewrap -k old.key --new-key-file new.key --all /srv/backups --report done.jsonl",
);
pub(crate) const LIST: &str = examples!("sv2 list all.db");
pub(crate) const UPLOADS: &str =
    examples!("sv2 uploads s3://backups", "sv2 uploads s3://backups/daily/ --abort --older-than 7d");
pub(crate) const RESUME_KEYS: &str = examples!("sv2 resume-keys", "sv2 resume-keys --delete --older-than 7d");
pub(crate) const DELETE: &str = examples!("sv2 delete 'sqlite:all.db?stream=dump'");

pub(crate) const MAN: &str = examples!("sv2 man ~/.local/share/man/man1");
pub(crate) const COMPLETIONS: &str = examples!(
    "sv2 completions bash > ~/.local/share/bash-completion/completions/sv2",
    "sv2 completions fish > ~/.config/fish/completions/sv2.fish",
    "sv2 completions zsh > ~/.zfunc/_sv2           # a folder of $fpath",
);
