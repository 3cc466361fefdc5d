//! Segments as the items of `FramedRead` and `FramedWrite`: the usual segments and errors, however
//! the bytes arrive.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use stream_v2_format::wire::DigestAlg;
use stream_v2_pipeline::tokio::{SegmentDecoder, SegmentEncoder};
use stream_v2_pipeline::{
    DecryptPipeline, DecryptSegmentWorker, EncryptSegmentInput, EncryptSegmentWorker, Error,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Builder;
use tokio_util::codec::{FramedRead, FramedWrite};

const LEN: usize = 3 * 8192 + 100;
const HEADER: usize = 128;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Returns so many bytes a call.
struct Pieces<'a>(&'a [u8], usize);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.1.min(buffer.remaining()).min(self.0.len()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

/// Returns the plaintext of all segments, up to the first error.
fn released(stream: &[u8], piece: usize) -> (Vec<u8>, Result<(), Error>) {
    let key = key();
    let mut source = stream;
    let opened = match DecryptPipeline::new(&key).open_stream(&mut source) {
        Ok(opened) => opened,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut worker = DecryptSegmentWorker::new(&opened);
    let mut plaintext = Vec::new();
    let result = block_on(async {
        let mut segments = FramedRead::new(Pieces(source, piece), SegmentDecoder::new(&opened));
        while let Some(segment) = segments.next().await {
            let opened = worker.open(&segment?, BytesMut::new()).unwrap();
            plaintext.extend_from_slice(opened.plaintext());
        }
        Ok(())
    });
    (plaintext, result)
}

#[test]
fn any_cutting_gives_the_same_segments() {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    for piece in [1, 7, 95, 96, 97, 8472, usize::MAX] {
        let (output, result) = released(&stream, piece);
        result.unwrap();
        assert!(output == plaintext(LEN), "pieces of {piece}");
    }
}

#[test]
fn every_truncation_is_the_error_of_the_pipeline() {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    let decrypting = key();
    let decrypting = DecryptPipeline::new(&decrypting);
    for end in (0..stream.len()).step_by(61).chain(stream.len() - 300..stream.len()) {
        let (output, result) = released(&stream[..end], 5000);
        let (expected, failed) = decrypt(&decrypting, &stream[..end]);
        assert!(output == expected, "end at {end}");
        assert_eq!(result.unwrap_err().to_string(), failed.unwrap_err().to_string(), "end at {end}");
    }
}

#[test]
fn damaged_header_and_trailing_bytes_are_errors() {
    let stream = encrypt(&encrypting(&key(), 1), &plaintext(LEN));
    let (key, mut longer) = (key(), stream.clone());
    longer.push(0);
    let damaged = (0..96).map(|place| {
        let mut damaged = stream.clone();
        damaged[HEADER + 8472 + place] ^= 1;
        damaged
    });
    for damaged in damaged.chain([longer]) {
        for piece in [1, usize::MAX] {
            let error = released(&damaged, piece).1.unwrap_err();
            let failed = decrypt(&DecryptPipeline::new(&key), &damaged).1.unwrap_err();
            assert_eq!(error.to_string(), failed.to_string());
        }
    }
}

#[test]
fn encoder_writes_segments_like_the_pipeline() {
    let key = key();
    let pipeline = encrypting(&key, 1);
    let stream = encrypt(&pipeline, &plaintext(LEN));
    let salts = stream_v2_testing::streams::salts();
    let params = stream_v2_testing::streams::small_params();
    let sealer = stream_v2_format::crypto::StreamSealer::new(params, &key, b"").unwrap();
    let run = stream_v2_format::crypto::Run::first(salts.run_salt);
    let mut worker = EncryptSegmentWorker::new(&sealer, run, DigestAlg::HmacSha3OverTags);
    let written = block_on(async {
        let mut written = FramedWrite::new(sealer.header_bytes().to_vec(), SegmentEncoder);
        for (index, piece) in plaintext(LEN).chunks(8192).enumerate() {
            let segment_index = u32::try_from(index).unwrap();
            let input = EncryptSegmentInput { segment_index, plaintext: Bytes::copy_from_slice(piece) };
            written.send(worker.seal(&input, BytesMut::new()).unwrap()).await.unwrap();
        }
        written.into_inner()
    });
    // All but the final segment.
    assert!(written == stream[..stream.len() - 256]);
}
