//! Reading a configuration, with errors that name the key.

use serde::{Deserialize, de::DeserializeOwned};

use crate::error::Error;

/// The configuration of a plugin that has none; any key is refused.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Reads a configuration from its JSON object.
pub fn parse_config<C: DeserializeOwned>(text: &str) -> Result<C, Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // serde_json appends where in the text it stopped; the user never saw this text.
        let reason = error.inner().to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        if path == "." {
            Error::config("", format!("is wrong: {reason}"))
        } else {
            Error::config(path, format!("is wrong: {reason}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Size {
        #[expect(dead_code, reason = "only its parsing is under test")]
        size: u32,
    }

    #[test]
    fn a_wrong_type_names_its_key() {
        let error = parse_config::<Size>(r#"{"size": "big"}"#).unwrap_err();
        assert_eq!(error.to_string(), "`size` is wrong: invalid type: string \"big\", expected u32");
    }

    #[test]
    fn an_unknown_key_is_told_with_those_that_exist() {
        let error = parse_config::<Size>(r#"{"sise": 3}"#).unwrap_err();
        assert_eq!(error.to_string(), "`sise` is wrong: unknown field `sise`, expected `size`");
    }

    #[test]
    fn a_missing_key_is_told() {
        let error = parse_config::<Size>("{}").unwrap_err();
        assert_eq!(error.to_string(), "its configuration is wrong: missing field `size`");
    }
}
