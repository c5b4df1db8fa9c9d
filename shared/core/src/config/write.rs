//! Writes a configuration as text that reads back as the same configuration.
//! Pure.

use super::Config;

/// The comment at the top of the text.
const HEADER: &str =
    "# The active configuration, written by ferrolb-controller. Changes made here are
# overwritten: edit the ConfigMap or the objects that it was made from.
";

/// The configuration in the native format. The text is JSON below a comment,
/// which is valid YAML and leaves no room for type confusion. Defaults are
/// written out, so that the text means the same to a later version; an implied
/// advertisement is included by name.
///
/// # Errors
/// When a value cannot be serialized; no configuration contains such a value.
pub fn write(config: &Config) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(config)?;
    Ok(format!("{HEADER}{text}\n"))
}
