//! Saving under a name that somebody else has chosen.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A name has at most so many octets.
const LONGEST: usize = 200;
/// So many files of one name are enough.
const TRIES: u32 = 10_000;

/// Writes the octets into a new file in `folder`, under this name or one like it. Nothing is overwritten, and nothing lands elsewhere.
pub(super) fn save(folder: &Path, name: &str, octets: &[u8]) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let name = safe_name(name);
    let (mut file, path) = create(folder, &name)?;
    let written = file.write_all(octets).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half of it would look like all of it.
        let _ = std::fs::remove_file(&path);
    }
    written.with_context(|| path.display().to_string())?;
    Ok(path)
}

fn create(folder: &Path, name: &str) -> Result<(File, PathBuf)> {
    let (stem, extension) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    for number in 1..=TRIES {
        let name = if number == 1 { name.to_owned() } else { format!("{stem} ({number}){extension}") };
        let path = folder.join(name);
        // It must not be there, not even as a link to somewhere else.
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
    }
    bail!("{}: there are {TRIES} files named {name} already", folder.display())
}

/// A name that is only a name: no folders in it, nothing hidden, nothing that a terminal or another system takes for something else.
pub(super) fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' | '\\')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String = last.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    let clean = clean.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).trim_start();
    if clean.is_empty() {
        return "unnamed".into();
    }
    if clean.len() <= LONGEST {
        return clean.to_owned();
    }
    // The end tells what kind of file it is.
    let extension =
        clean.rfind('.').map(|at| &clean[at..]).filter(|extension| extension.len() <= 20).unwrap_or("");
    let mut end = LONGEST - extension.len();
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &clean[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_only_names() {
        for (given, safe) in [
            ("카페 메뉴.pdf", "카페 메뉴.pdf"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("..", "unnamed"),
            ("", "unnamed"),
            ("a/..", "unnamed"),
            (".bashrc", "bashrc"),
            ("a\0b\nc\x1b[2J.txt", "a_b_c_[2J.txt"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
            ("  spaces.  ", "spaces"),
            ("a:b*c?.txt", "a_b_c_.txt"),
        ] {
            assert_eq!(safe_name(given), safe, "{given:?}");
        }
        let long = safe_name(&format!("{}.tar.gz", "é".repeat(500)));
        assert!(long.len() <= LONGEST && long.ends_with("é.gz"));
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..3)
            .map(|number| {
                let path = save(&folder.path().join("new"), "../a.txt", &[number]).unwrap();
                path.file_name().unwrap().to_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(names, ["a.txt", "a (2).txt", "a (3).txt"]);
        assert_eq!(std::fs::read(folder.path().join("new/a (3).txt")).unwrap(), [2]);
        #[cfg(unix)]
        {
            // A link that leads away, even to nowhere, is not followed.
            let away = folder.path().join("away");
            std::os::unix::fs::symlink(&away, folder.path().join("new/b")).unwrap();
            let path = save(&folder.path().join("new"), "b", b"x").unwrap();
            assert!(path.ends_with("b (2)") && !away.exists());
        }
    }
}
