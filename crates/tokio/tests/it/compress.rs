//! A transport that compresses.

use bytes::BytesMut;
use flate2::{Compress, Compression, FlushCompress};
use postroad_tokio::Compressed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

fn pattern(len: usize) -> Vec<u8> {
    // Hardly to be compressed, and the same each time.
    let mut state = 1_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 1000);
    Compress::new(Compression::best(), false).compress_vec(octets, &mut out, FlushCompress::Sync).unwrap();
    out
}

#[tokio::test]
async fn what_goes_in_comes_out_through_the_narrowest_pipe() {
    for (octets, room) in [(pattern(200_000), 7), (vec![b'x'; 3_000_000], 64), (Vec::new(), 1)] {
        let (one, other) = duplex(room);
        let expected = octets.clone();
        let writer = tokio::spawn(async move {
            let mut one = Compressed::new(one, BytesMut::new());
            one.write_all(&octets).await.unwrap();
            one.flush().await.unwrap();
            // Nothing is left in the compressor.
            one.flush().await.unwrap();
            one
        });
        let mut other = Compressed::new(other, BytesMut::new());
        let mut got = vec![0; expected.len()];
        other.read_exact(&mut got).await.unwrap();
        assert!(got == expected);
        let mut one = writer.await.unwrap();
        one.shutdown().await.unwrap();
        assert_eq!(other.read(&mut [0; 10]).await.unwrap(), 0, "the end");
    }
}

#[tokio::test]
async fn what_was_read_ahead_is_split_anywhere() {
    let whole = deflated(b"a NOOP\r\n");
    for at in 0..=whole.len() {
        let (before, behind) = whole.split_at(at);
        let (mut raw, io) = duplex(64);
        raw.write_all(behind).await.unwrap();
        let mut compressed = Compressed::new(io, before.into());
        let mut line = [0; 8];
        compressed.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"a NOOP\r\n", "split at {at}");
    }
}

#[tokio::test]
async fn what_is_no_deflate_is_an_error() {
    let (mut raw, io) = duplex(64);
    // A kind of block that there is not (RFC 1951 section 3.2.3).
    raw.write_all(b"\x07\x07\x07").await.unwrap();
    let mut compressed = Compressed::new(io, BytesMut::new());
    let error = compressed.read(&mut [0; 100]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_bomb_fills_no_more_than_what_is_read() {
    // 10 MB in 10 KB.
    let bomb = deflated(&vec![0; 10_000_000]);
    assert!(bomb.len() < 12_000);
    let (mut raw, io) = duplex(64 * 1024);
    raw.write_all(&bomb).await.unwrap();
    let mut compressed = Compressed::new(io, BytesMut::new());
    let mut buffer = [0; 1000];
    let mut count = 0;
    while count < 10_000_000 {
        let some = compressed.read(&mut buffer).await.unwrap();
        assert!(some > 0);
        count += some;
    }
}

#[tokio::test]
async fn the_end_in_the_middle_is_the_end() {
    let whole = deflated(&pattern(5000));
    let (mut raw, io) = duplex(64 * 1024);
    raw.write_all(&whole[..whole.len() / 2]).await.unwrap();
    drop(raw);
    let mut compressed = Compressed::new(io, BytesMut::new());
    let mut got = Vec::new();
    compressed.read_to_end(&mut got).await.unwrap();
    assert!(got.len() < 5000 && pattern(5000).starts_with(&got));
}
