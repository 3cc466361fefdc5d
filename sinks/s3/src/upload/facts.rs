//! The content of a record's lines about an upload, and their format.

use stream_v2_format::wire::crc32c;

use crate::encoding::hex;

pub(super) const FORM: &str = "stream-v2-upload-1";

/// A run of whole pieces that is a part of the object: part 1 is the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) begin: u64,
    pub(super) end: u64,
    /// The answer of S3, if it has the part.
    pub(super) sent: Option<Sent>,
}

/// A part that S3 has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) md5: [u8; 16],
    pub(super) etag: String,
}

/// The content of the lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The mark of the object, which tells it from any other one.
    pub(super) mark: String,
    /// The id of the upload from S3.
    pub(super) id: Option<String>,
    pub(super) parts: Vec<Part>,
    /// Bytes before this may not be on this machine any more.
    pub(super) forgotten: u64,
    /// Bytes of the object, if its creation was or is about to be requested.
    pub(super) completing: Option<u64>,
}

/// Returns a line with its checksum.
pub(super) fn checked(line: &str) -> String {
    format!("{:08x} {line}\n", crc32c(line.as_bytes()))
}

pub(super) fn upload_line(id: &str) -> String {
    format!("upload {}", escaped(id))
}

pub(super) fn part_line(number: usize, begin: u64, end: u64) -> String {
    format!("part {number} {begin} {end}")
}

pub(super) fn sent_line(number: usize, sent: &Sent) -> String {
    format!("sent {number} {} {}", hex(&sent.md5), escaped(&sent.etag))
}

impl Facts {
    /// Returns the lines for this content, after the first one.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.id.iter().map(|id| upload_line(id)).collect();
        for (number, part) in (1..).zip(&self.parts) {
            lines.push(part_line(number, part.begin, part.end));
            lines.extend(part.sent.as_ref().map(|sent| sent_line(number, sent)));
        }
        lines.extend((self.forgotten > 0).then(|| format!("forgets {}", self.forgotten)));
        lines.extend(self.completing.map(|len| format!("completes {len}")));
        lines
    }

    /// Returns the begin of the next part.
    pub(super) fn planned_end(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.end)
    }

    pub(super) fn part(&self, number: u16) -> Option<&Part> {
        self.parts.get(usize::from(number).checked_sub(1)?)
    }

    pub(super) fn part_mut(&mut self, number: u16) -> Option<&mut Part> {
        self.parts.get_mut(usize::from(number).checked_sub(1)?)
    }

    /// Marks a part that S3 once had and has no more.
    pub(super) fn lost(&mut self, number: u16) {
        if let Some(part) = self.part_mut(number) {
            part.sent = None;
        }
    }

    /// Returns the begin of the first part that S3 does not have.
    pub(super) fn sent_end(&self) -> u64 {
        let first = self.parts.iter().find(|part| part.sent.is_none());
        first.map_or_else(|| self.planned_end(), |part| part.begin)
    }

    /// Returns the number of bytes that S3 has.
    pub(super) fn sent_len(&self) -> u64 {
        self.parts.iter().filter(|part| part.sent.is_some()).map(|part| part.end - part.begin).sum()
    }

    fn follow(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let mut word = || words.next();
        match (word()?, word(), word(), word()) {
            ("begins", None, ..) => {
                (self.id, self.completing) = (None, None);
                self.parts.clear();
            }
            ("upload", Some(id), None, _) => self.id = Some(unescaped(id)?),
            ("part", Some(number), Some(begin), Some(end)) => {
                let (begin, end) = (begin.parse().ok()?, end.parse().ok()?);
                let is_next = number.parse() == Ok(self.parts.len() + 1) && begin == self.planned_end();
                (is_next && begin <= end).then(|| self.parts.push(Part { begin, end, sent: None }))?;
            }
            ("sent", Some(number), Some(md5), Some(etag)) => {
                let sent = Sent { md5: unhex(md5)?, etag: unescaped(etag)? };
                self.part_mut(number.parse().ok()?)?.sent = Some(sent);
            }
            ("forgets", Some(upto), None, _) => self.forgotten = upto.parse().ok()?,
            ("completes", Some(len), None, _) => self.completing = Some(len.parse().ok()?),
            _ => return None,
        }
        Some(())
    }
}

/// Reads the lines up to the first torn one, and returns how many bytes they take.
///
/// Returns `None` if this is not a record of an upload to `name`.
pub(super) fn read(bytes: &[u8], name: &str) -> Option<(Facts, u64)> {
    let mut facts = Facts::default();
    let mut valid = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = whole(line) else { break };
        if valid == 0 {
            let (mark, of) = text.strip_prefix(FORM)?.strip_prefix(' ')?.split_once(' ')?;
            (unescaped(of)? == name).then_some(())?;
            facts.mark = mark.into();
        } else if facts.follow(text).is_none() {
            break;
        }
        valid += line.len() as u64;
    }
    (valid > 0).then_some((facts, valid))
}

/// Returns the text of a line that is complete.
fn whole(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (crc, text) = line.split_once(' ')?;
    (crc == format!("{:08x}", crc32c(text.as_bytes()))).then_some(text)
}

/// Returns one word for any text.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

fn unescaped(word: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    (text.len() == 2 * bytes.len()).then_some(())?;
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}
