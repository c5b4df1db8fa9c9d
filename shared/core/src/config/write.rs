//! Writes a configuration as a text that reads as the same configuration.

use super::Config;

/// What stands above the text.
const HEADER: &str =
    "# The configuration in force, kept by ferrolb-controller. To change it, change the
# ConfigMap or the objects it is made from: what is changed here is undone.
";

/// The configuration in our own form. The text is JSON below a comment, which
/// is YAML: nothing in it can be taken for another type. What was left to a
/// default is written out, so that it means the same to a later version; an
/// advertisement that was implied is there by name.
///
/// # Errors
/// When a value cannot be written, which no configuration has.
pub fn write(config: &Config) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(config)?;
    Ok(format!("{HEADER}{text}\n"))
}
