//! The bucket of the laboratory, for uploads.

use std::io::{self, Cursor, ErrorKind, Read};

use md5::{Digest, Md5};
use stream_v2_s3::{Aborted, Found, Listed, Multipart, PartBody, Readable, Unfinished, UploadId};
use stream_v2_testing::crash_sim::remote::{Remote, RemoteOp};
use stream_v2_testing::crash_sim::sim::{Contents, Sim};

/// The bucket of a machine in the laboratory.
#[derive(Clone)]
pub(crate) struct SimBucket(pub(crate) Sim);

impl SimBucket {
    fn remote(&self) -> Remote {
        let Contents { remote, .. } = self.0.contents();
        remote
    }

    fn refuse_taken(&self, key: &str, replace: bool) -> io::Result<()> {
        match self.remote().objects.contains_key(key) && !replace {
            true => Err(ErrorKind::AlreadyExists.into()),
            false => Ok(()),
        }
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Md5::digest(bytes)))
}

impl Multipart for SimBucket {
    fn name_of(&self, key: &str) -> String {
        format!("s3://lab/{key}")
    }

    fn place(&self) -> String {
        "the laboratory".into()
    }

    fn find(&self, key: &str) -> io::Result<Option<Found>> {
        let found = |(bytes, mark): &(Vec<u8>, String)| Found {
            len: bytes.len() as u64,
            etag: etag(bytes),
            mark: Some(mark.clone()),
        };
        Ok(self.remote().objects.get(key).map(found))
    }

    fn read(&self, key: &str) -> io::Result<Box<dyn Readable>> {
        let object = self.remote().objects.remove(key).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(object.0)))
    }

    fn begin(&self, key: &str, mark: &str) -> io::Result<String> {
        self.0.act_remotely(RemoteOp::Begin { key: key.into(), mark: mark.into() })?;
        Ok(format!("upload {}", self.remote().begun))
    }

    fn send(&self, upload: UploadId<'_>, number: u16, part: &dyn PartBody) -> io::Result<String> {
        if !self.remote().uploads.contains_key(upload.id) {
            return Err(ErrorKind::NotFound.into());
        }
        let mut bytes = Vec::new();
        part.open()?.read_to_end(&mut bytes)?;
        assert_eq!((part.len(), part.md5()), (bytes.len() as u64, Md5::digest(&bytes).into()));
        let etag = etag(&bytes);
        self.0.act_remotely(RemoteOp::Send { id: upload.id.into(), number, bytes })?;
        Ok(etag)
    }

    fn parts(&self, upload: UploadId<'_>) -> io::Result<Option<Vec<Listed>>> {
        let listed = |(&number, bytes): (&u16, &Vec<u8>)| Listed {
            number,
            len: bytes.len() as u64,
            etag: etag(bytes),
        };
        Ok(self.remote().uploads.get(upload.id).map(|upload| upload.parts.iter().map(listed).collect()))
    }

    fn complete(&self, upload: UploadId<'_>, etags: &[&str], replace: bool) -> io::Result<()> {
        let remote = self.remote();
        let Some(begun) = remote.uploads.get(upload.id) else { return Err(ErrorKind::NotFound.into()) };
        assert!(
            (1..)
                .zip(etags)
                .all(|(number, tag)| begun.parts.get(&number).is_some_and(|part| etag(part) == *tag))
        );
        self.refuse_taken(upload.key, replace)?;
        self.0.act_remotely(RemoteOp::Complete { id: upload.id.into(), parts: etags.len() })
    }

    fn put_empty(&self, key: &str, mark: &str, replace: bool) -> io::Result<()> {
        self.refuse_taken(key, replace)?;
        self.0.act_remotely(RemoteOp::PutEmpty { key: key.into(), mark: mark.into() })
    }

    fn abort(&self, upload: UploadId<'_>) -> io::Result<Aborted> {
        let known = self.remote().uploads.contains_key(upload.id);
        self.0.act_remotely(RemoteOp::Abort { id: upload.id.into() })?;
        Ok(if known { Aborted::Now } else { Aborted::Before })
    }

    fn each_unfinished(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Vec<Unfinished>) -> io::Result<()>,
    ) -> io::Result<()> {
        let uploads = self.remote().uploads.into_iter().filter(|(_, upload)| upload.key.starts_with(prefix));
        visit(
            uploads
                .map(|(id, upload)| Unfinished { key: upload.key, otherwise: None, id, begun: None })
                .collect(),
        )
    }
}
