//! Replaces the envelope of a stream (§12.4) in each of its forms. In place, the stream is a file.

use std::fs;

use stream_v2_format::envelope::{Argon2idParams, DetachedEnvelope};
use stream_v2_pipeline::io::{read_own_header, read_stream_header};
use stream_v2_pipeline::{
    Credentials, Error, OutputFile, Passphrase, Recipients, Rewrap, Unlocked, WriterSink,
};

use crate::answer::{Answer, Found};
use crate::read::refused;
use crate::request;

/// The output, and the copy of the old envelope if it is left.
type Replaced = (Vec<u8>, Option<Vec<u8>>);

pub(crate) fn answer(request: &request::Rewrap) -> Answer {
    let input = hex::decode(&request.input).unwrap();
    let detached = request.detached.as_ref().map(|digits| hex::decode(digits).unwrap());
    let detached = match detached.map(|bytes| DetachedEnvelope::parse(&bytes)).transpose() {
        Ok(detached) => detached,
        Err(error) => return Answer::of_error(&error),
    };
    let credentials = request.brought.credentials();
    let credentials = detached.into_iter().fold(credentials, Credentials::with_detached_envelope);
    let recipients = recipients(&request.new);
    let context = request.context();
    let rewrap = Rewrap::new(&credentials, &recipients)
        .with_context(&context)
        .wrapping_brought_keys(request.wraps_brought);
    let replaced = match request.form.as_str() {
        "in-place" => in_place(&rewrap, request, &input),
        "new" => new_stream(&rewrap, &credentials, &input),
        "detached" => apart(&rewrap, &credentials, &input),
        form => panic!("no form {form}"),
    };
    match replaced {
        Err(error) => refused(&error),
        Ok((output, copy)) => {
            let found = Found::Rewrapped { output: hex::encode(output), copy: copy.map(hex::encode) };
            Answer { result: "accept", found, ..Answer::default() }
        }
    }
}

fn recipients(new: &request::NewSet) -> Recipients {
    let recipients = new.key_files().fold(Recipients::new(), Recipients::with_key_file);
    let of_age = new.recipients.iter().map(|text| text.parse().unwrap());
    let recipients = of_age.fold(recipients, Recipients::with_recipient);
    new.passwords.iter().fold(recipients, |recipients, new| {
        let bytes = hex::decode(&new.password).unwrap();
        let params = Argon2idParams::new(new.memory_kib, new.passes, new.lanes);
        recipients.with_passphrase(Passphrase::new(bytes.into())).with_argon2id(params)
    })
}

fn in_place(rewrap: &Rewrap<'_>, request: &request::Rewrap, input: &[u8]) -> Result<Replaced, Error> {
    let folder = tempfile::tempdir().unwrap();
    let place = OutputFile::new(folder.path().join("stream"));
    let keep = OutputFile::new(folder.path().join("old"));
    fs::write(place.target(), input).unwrap();
    if let Some(journal) = &request.journal {
        fs::write(place.journal(), hex::decode(journal).unwrap()).unwrap();
    }
    let replaced = rewrap.in_place(&place, request.keep_old.then_some(&keep));
    let output = fs::read(place.target()).unwrap();
    if let Err(error) = replaced {
        assert!(output == input, "the stream was changed in spite of an error");
        return Err(error);
    }
    // Any other file is a copy that was left.
    let mut copy = None;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path != place.target() {
            copy = Some(fs::read(path).unwrap());
        }
    }
    Ok((output, copy))
}

/// Unlocks a stream, and returns what follows its envelope.
fn unlocked<'a>(
    rewrap: &Rewrap<'_>,
    credentials: &Credentials,
    input: &'a [u8],
) -> Result<(Unlocked, &'a [u8]), Error> {
    let mut rest = input;
    let (header, envelope) = match credentials.detached_envelope() {
        Some(_) => read_own_header(&mut rest)?,
        None => read_stream_header(&mut rest)?,
    };
    Ok((rewrap.unlock(&header, &envelope)?, rest))
}

fn new_stream(rewrap: &Rewrap<'_>, credentials: &Credentials, input: &[u8]) -> Result<Replaced, Error> {
    let (unlocked, rest) = unlocked(rewrap, credentials, input)?;
    let envelope = rewrap.wrap(&unlocked)?;
    let mut output = Vec::new();
    unlocked.copy_with(&envelope, rest, &mut WriterSink::new(&mut output))?;
    Ok((output, None))
}

fn apart(rewrap: &Rewrap<'_>, credentials: &Credentials, input: &[u8]) -> Result<Replaced, Error> {
    let (unlocked, _) = unlocked(rewrap, credentials, input)?;
    unlocked.check_sealed(input)?;
    let detached = DetachedEnvelope::new(unlocked.header(), &rewrap.wrap(&unlocked)?).unwrap();
    Ok((detached.to_bytes(), None))
}
