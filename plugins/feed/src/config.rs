//! `init_config` as Falco hands it over, and the schema that Falco checks it against before.
//!
//! The text is kept as it is: `params` reads it with the same code, limits and words as the tracer's own file.

use falco_plugin::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use falco_plugin::serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;

/// The text of `init_config`.
#[derive(Debug)]
pub struct Config(pub String);

impl Config {
    /// Checks it, so that a mistake is told when Falco loads the plugin, not when it opens a source.
    ///
    /// # Errors
    /// One line that says what is wrong and what to give instead.
    pub fn check(&self) -> Result<(), String> {
        let checked = smtrace::options::sibling(&self.0, "", &[], 0);
        checked.map(drop).map_err(|refusal| refusal.text.trim_end().to_owned())
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Config, D::Error> {
        match Value::deserialize(from) {
            Ok(value) => Ok(Config(value.to_string())),
            // No text at all, as from a configuration without init_config.
            Err(error) if error.to_string() == "EOF while parsing a value at line 1 column 0" => {
                Ok(Config("{}".to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

impl JsonSchema for Config {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("init_config")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // As in the siblings, a number or a boolean may also be text.
        json_schema!({
            "type": "object",
            "properties": {
                "rich_value_size": {
                    "type": ["integer", "string"], "minimum": 0, "maximum": 4_294_967_295_u32,
                    "description": "Checked, without effect: smtrace needs no such buffer"
                },
                "str_max_size": {
                    "type": ["integer", "string"], "minimum": 0, "maximum": 65536,
                    "description": "The longest text of one argument, in bytes; default 256"
                },
                "putfile": { "type": ["boolean", "string"], "description": "Whether events also go to the file path" },
                "path": { "type": "string", "maxLength": 256, "description": "The file of putfile" },
                "format": { "type": "string", "enum": ["normal", "json"], "description": "The form of its lines" },
                "log_level": {
                    "type": ["integer", "string"], "minimum": 0, "maximum": 8,
                    "description": "The plugin's own messages: 0 errors, 1 warnings too, 2 and more all"
                },
                "log_file": { "type": "string", "maxLength": 256, "description": "Where they go beside Falco's log" }
            },
            "additionalProperties": false
        })
    }
}
