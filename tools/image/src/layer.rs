//! The one layer of an image: a tar archive with the few places a program
//! expects to find, and its files. Bytes in, bytes out.

use std::collections::BTreeSet;
use std::io;

use tar::{Builder, EntryType, Header};

/// Places every image has. The runtime mounts over most of them.
const FOLDERS: [(&str, u32); 6] = [
    ("dev", 0o755),
    ("etc", 0o755),
    ("proc", 0o555),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
];
const PASSWD: &str = "root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";

/// A path as it is written in a layer: without the leading `/`.
pub(super) fn inside(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// The layer with these files (path in the image, content), uncompressed.
pub(super) fn layer(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (path, mode) in FOLDERS {
        folder(&mut tar, path, mode)?;
    }
    file(&mut tar, "etc/group", GROUP.as_bytes(), 0o644)?;
    file(&mut tar, "etc/passwd", PASSWD.as_bytes(), 0o644)?;
    for path in parents(files) {
        folder(&mut tar, &path, 0o755)?;
    }
    for (path, content) in files {
        file(&mut tar, inside(path), content, 0o755)?;
    }
    tar.into_inner()
}

/// Folders the files lie in and that are not there yet, parents first.
fn parents(files: &[(String, Vec<u8>)]) -> BTreeSet<String> {
    let above = |(path, _): &(String, Vec<u8>)| {
        let path = inside(path).to_owned();
        path.match_indices('/')
            .map(|(end, _)| path[..end].to_owned())
            .collect::<Vec<_>>()
    };
    let mut found: BTreeSet<String> = files.iter().flat_map(above).collect();
    found.retain(|path| FOLDERS.iter().all(|(known, _)| known != path));
    found
}

fn folder(tar: &mut Builder<Vec<u8>>, path: &str, mode: u32) -> io::Result<()> {
    entry(tar, &format!("{path}/"), &[], mode, EntryType::Directory)
}

/// Adds a file; also used for the archive around the layers.
pub(super) fn file(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    content: &[u8],
    mode: u32,
) -> io::Result<()> {
    entry(tar, path, content, mode, EntryType::Regular)
}

/// One entry with everything that could differ between two runs fixed: time 0,
/// owner 0, no names.
fn entry(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    content: &[u8],
    mode: u32,
    kind: EntryType,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content)
}
