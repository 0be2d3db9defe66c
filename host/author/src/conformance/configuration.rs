//! How a plugin takes its configuration: what is well-formed, what is not, and which key it blames.

use serde_json::{Map, Value, json};
use zenith_core::{Kind, Limits, OperatorError, Plugin};

use super::{Checks, Failure, Subject, answered};

/// A key that no plugin has.
const UNKNOWN: &str = "zenith-conformance";

/// Texts that are no configuration. A host never gives them; a plugin may decline them in any way, and
/// may not trap.
const NONSENSE: [&str; 7] = ["", "{", "null", "3", "\"text\"", "[[[[", "{\"a\":1}}"];

/// Makes the checks, and answers the configurations that the plugin takes, each once.
pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>) -> Vec<String> {
    let mut configs: Vec<String> = Vec::new();
    let given = subject.configs.iter().cloned().chain(subject.golden.configs());
    let mut refused = Vec::new();

    checks.check("the empty configuration is taken, or declined by name", || {
        match answered(configured(subject, "{}"), "{}", "its configuration")? {
            Ok(()) => {
                configs.push("{}".to_owned());
                Ok(None)
            }
            Err(OperatorError::Config { .. }) => Ok(Some("it needs a configuration".to_owned())),
            Err(error) => Err(Failure::new("{}", "its configuration", declined(&error))),
        }
    });
    for config in given {
        if configs.contains(&config) || refused.contains(&config) {
            continue;
        }
        match configured(subject, &config) {
            Ok(()) => configs.push(config),
            Err(error) => {
                checks.check("a configuration of the author's is taken", || {
                    Err(Failure::new(&config, "its configuration", error))
                });
                refused.push(config);
            }
        }
    }
    if configs.is_empty() {
        checks.check("there is a configuration to test with", || {
            Err(Failure::new(
                "{}",
                "no other configuration",
                "it needs one: pass --config, or add a golden case",
            ))
        });
        return configs;
    }

    checks.check("a key that it does not know is refused by name", || {
        for config in &configs {
            let mut wrong = object(config);
            wrong.insert(UNKNOWN.to_owned(), json!(1));
            refused_by_name(subject, &Value::Object(wrong).to_string(), UNKNOWN)?;
        }
        Ok(None)
    });
    let keys = || configs.iter().flat_map(|config| object(config).into_iter().map(|(key, _)| key));
    if keys().next().is_none() {
        checks.skip("a value of the wrong type is refused by its key", "no configuration at hand has a key");
    } else {
        checks.check("a value of the wrong type is refused by its key", || {
            for config in &configs {
                for key in object(config).keys() {
                    let mut wrong = object(config);
                    // No option is a list of such tables.
                    wrong.insert(key.clone(), json!([{ (UNKNOWN): [[]] }]));
                    refused_by_name(subject, &Value::Object(wrong).to_string(), key)?;
                }
            }
            Ok(None)
        });
    }
    checks.check("what is no configuration does not trap", || {
        for text in NONSENSE {
            let _ = answered(configured(subject, text), text, "its configuration")?;
        }
        Ok(None)
    });
    configs
}

fn refused_by_name(subject: &Subject<'_>, config: &str, key: &str) -> Result<(), Failure> {
    match answered(configured(subject, config), config, "its configuration")? {
        Err(OperatorError::Config { key: named, reason }) if named.contains(key) || reason.contains(key) => {
            Ok(())
        }
        Ok(()) => Err(Failure::new(config, "its configuration", format!("it was taken, with `{key}` in it"))),
        Err(error) => Err(Failure::new(
            config,
            "its configuration",
            format!("it does not name `{key}`: {}", declined(&error)),
        )),
    }
}

fn declined(error: &OperatorError) -> String {
    match error {
        OperatorError::Config { .. } => error.to_string(),
        error => format!("not an error of the variant `config`: {error}"),
    }
}

/// A configuration as its keys and values; one that is no object has none.
fn object(config: &str) -> Map<String, Value> {
    serde_json::from_str(config).unwrap_or_default()
}

/// Makes an operator, and drops it.
fn configured(subject: &Subject<'_>, config: &str) -> Result<(), OperatorError> {
    let (plugin, limits): (&dyn Plugin, &Limits) = (subject.plugin, &subject.limits);
    match plugin.kind() {
        Kind::Transform => plugin.transform(config, limits).map(drop),
        Kind::Decoder => plugin.decoder(config, limits).map(drop),
        Kind::BatchTransform => plugin.batch_transform(config, limits).map(drop),
        Kind::Sampler => plugin.sampler(config, limits).map(drop),
        Kind::Policy => plugin.policy(config, limits).map(drop),
    }
}
