//! The OCI image layout around a layer: configuration, manifest and index as
//! JSON, each named by its digest (OCI image specification 1.0, `image-layout`,
//! `manifest`, `config`). Values in, bytes out.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};
use tar::Builder;

use super::layer::file;
use super::{Digest, ImageSpec};

/// The manifest's digest and the whole archive; nothing if the reference has
/// no tag.
pub(super) fn archive(
    spec: &ImageSpec,
    architecture: &str,
    layer: Vec<u8>,
) -> Option<io::Result<(Digest, Vec<u8>)>> {
    let (_, tag) = spec
        .reference
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))?;
    let mut blobs = Blobs::default();
    let layer = blobs.add("layer.v1.tar", layer);
    let config = blobs.add("config.v1+json", text(&config(spec, architecture, &layer)));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type("manifest.v1+json"),
        "config": config,
        "layers": [layer],
    });
    let mut manifest = blobs.add("manifest.v1+json", text(&manifest));
    let digest = Digest(manifest["digest"].as_str()?.to_owned());
    manifest["annotations"] = json!({
        "io.containerd.image.name": spec.reference,
        "org.opencontainers.image.ref.name": tag,
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media_type("index.v1+json"),
        "manifests": [manifest],
    });
    Some(blobs.write(&index).map(|bytes| (digest, bytes)))
}

fn config(spec: &ImageSpec, architecture: &str, layer: &Value) -> Value {
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": { "Entrypoint": [spec.entrypoint], "WorkingDir": "/" },
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
    })
}

fn media_type(kind: &str) -> String {
    format!("application/vnd.oci.image.{kind}")
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Content by digest, in the order of the digests.
#[derive(Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    /// Keeps the content and returns its descriptor.
    fn add(&mut self, kind: &str, content: Vec<u8>) -> Value {
        let digest = Digest::of(&content);
        let descriptor = json!({
            "mediaType": media_type(kind),
            "digest": digest.to_string(),
            "size": content.len(),
        });
        self.0.insert(digest.hex().to_owned(), content);
        descriptor
    }

    fn write(&self, index: &Value) -> io::Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        file(
            &mut tar,
            "oci-layout",
            br#"{"imageLayoutVersion":"1.0.0"}"#,
            0o644,
        )?;
        file(&mut tar, "index.json", &text(index), 0o644)?;
        for (digest, content) in &self.0 {
            file(&mut tar, &format!("blobs/sha256/{digest}"), content, 0o644)?;
        }
        tar.into_inner()
    }
}
