//! Claims about image archives: reproducible, and readable back by following
//! digests the way a node does.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::*;

/// The first bytes of an ELF program for this machine number.
fn elf(machine: u8) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01".to_vec();
    header.resize(18, 0);
    header.extend([machine, 0]);
    header.extend(b"the rest of the program");
    header
}

fn spec(folder: &Path) -> ImageSpec {
    fs::write(folder.join("program"), elf(0x3e)).unwrap();
    fs::write(folder.join("data"), "data").unwrap();
    ImageSpec {
        reference: "example.local/app:1".to_owned(),
        entrypoint: "/app".to_owned(),
        files: vec![
            (folder.join("program"), "/app".to_owned()),
            (folder.join("data"), "/usr/share/app/data".to_owned()),
        ],
    }
}

/// The files of a tar archive with their content and mode.
fn unpack(archive: &[u8]) -> BTreeMap<String, (Vec<u8>, u32)> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mtime().unwrap(), 0);
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mode = entry.header().mode().unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, (content, mode));
    }
    files
}

/// The blob a descriptor points to, checked against its digest and size.
fn blob(archive: &BTreeMap<String, (Vec<u8>, u32)>, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    let (content, _) = &archive[&format!("blobs/sha256/{hex}")];
    assert_eq!(Digest::of(content).to_string(), digest);
    assert_eq!(descriptor["size"], content.len());
    content.clone()
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn same_input_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path());
    let (first, second) = (folder.path().join("a.tar"), folder.path().join("b/b.tar"));
    let digest = build(&spec, &first).unwrap();
    // Neither the order nor the files' own times may matter.
    spec.files.reverse();
    fs::write(folder.path().join("data"), "data").unwrap();
    assert_eq!(build(&spec, &second).unwrap(), digest);
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn other_content_gives_another_digest() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path());
    let out = folder.path().join("a.tar");
    let digest = build(&spec, &out).unwrap();
    fs::write(folder.path().join("data"), "other").unwrap();
    assert_ne!(build(&spec, &out).unwrap(), digest);
}

#[test]
fn content_is_found_by_following_the_digests() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.tar");
    let digest = build(&spec(folder.path()), &out).unwrap();
    let archive = unpack(&fs::read(out).unwrap());
    assert_eq!(
        parse(&archive["oci-layout"].0)["imageLayoutVersion"],
        "1.0.0"
    );

    let index = parse(&archive["index.json"].0);
    let entry = &index["manifests"][0];
    assert_eq!(entry["digest"], digest.to_string());
    assert_eq!(
        entry["annotations"]["io.containerd.image.name"],
        "example.local/app:1"
    );

    let manifest = parse(&blob(&archive, entry));
    let config = parse(&blob(&archive, &manifest["config"]));
    assert_eq!(config["architecture"], "amd64");
    assert_eq!(config["config"]["Entrypoint"][0], "/app");
    assert_eq!(
        config["rootfs"]["diff_ids"][0],
        manifest["layers"][0]["digest"]
    );

    let layer = unpack(&blob(&archive, &manifest["layers"][0]));
    assert_eq!(layer["app"], (elf(0x3e), 0o755));
    assert_eq!(layer["usr/share/app/data"].0, b"data");
    assert_eq!(layer["tmp/"].1, 0o1777);
    for place in [
        "proc/",
        "sys/",
        "dev/",
        "run/",
        "usr/",
        "usr/share/",
        "usr/share/app/",
    ] {
        assert!(layer.contains_key(place), "{place} is missing");
    }
    let passwd = String::from_utf8(layer["etc/passwd"].0.clone()).unwrap();
    assert!(passwd.contains("nonroot:x:65532:65532:") && passwd.contains("root:x:0:0:"));
    assert!(layer["etc/group"].0.starts_with(b"root:x:0:"));
}

#[test]
fn is_marked_for_the_machine_its_program_is_for() {
    assert_eq!(architecture(&elf(0x3e)), Some("amd64"));
    assert_eq!(architecture(&elf(0xb7)), Some("arm64"));
    assert_eq!(architecture(&elf(0x28)), None);
    assert_eq!(architecture(b"#!/bin/sh\necho hello, world\n"), None);
    assert_eq!(architecture(b""), None);
}

#[test]
fn refuses_an_entry_point_that_is_not_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let spec = ImageSpec {
        entrypoint: "/other".to_owned(),
        ..spec(folder.path())
    };
    let error = build(&spec, &folder.path().join("a.tar")).unwrap_err();
    assert!(error.to_string().contains("/other"), "{error}");
}

#[test]
fn refuses_a_reference_without_a_tag() {
    let folder = tempfile::tempdir().unwrap();
    for reference in ["example.local/app", "example.local:5000/app"] {
        let spec = ImageSpec {
            reference: reference.to_owned(),
            ..spec(folder.path())
        };
        let error = build(&spec, &folder.path().join("a.tar")).unwrap_err();
        assert!(matches!(error, ImageError::NoTag(_)), "{error}");
    }
}

#[test]
fn names_the_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path());
    spec.files
        .push((folder.path().join("missing"), "/missing".to_owned()));
    let error = build(&spec, &folder.path().join("a.tar")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!folder.path().join("a.tar").exists());
}
