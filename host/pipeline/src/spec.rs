//! A pipeline as declared: pure data, from Python or a TOML file. Nothing is looked up or checked
//! here beyond its form.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};
use thiserror::Error;
use zenith_core::{Limits, parse_bytes, parse_time};

/// A declared pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Where samples come from.
    pub source: SourceSpec,
    /// The operators, in order. In a file this is `[[operator]]`.
    #[serde(default, rename = "operator")]
    pub operators: Vec<OperatorSpec>,
    /// How samples become batches; without it, a batch has one sample.
    #[serde(default)]
    pub batch: BatchSpec,
}

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SourceSpec {
    /// A folder of class folders, as torchvision's `ImageFolder` reads it.
    Images {
        /// The folder.
        path: String,
        /// How its files are read: `auto`, `io-uring`, `threads` or `blocking`.
        #[serde(default = "auto")]
        io: String,
        /// Accept class folders without an image.
        #[serde(default)]
        allow_empty: bool,
    },
    /// Tar shards, as WebDataset writes them.
    Webdataset {
        /// The shards: a path with `{000..009}` ranges or `{a,b}` alternatives.
        path: String,
        /// The extensions of the encoded image, in order of preference, separated by `;`.
        #[serde(default = "default_image")]
        image: String,
        /// The extension of the class label; empty for samples without one.
        #[serde(default = "default_label")]
        label: String,
        /// How the shards are read: `auto`, `io-uring`, `threads` or `blocking`.
        #[serde(default = "auto")]
        io: String,
    },
}

fn auto() -> String {
    "auto".to_owned()
}

fn default_image() -> String {
    "jpg;jpeg;png".to_owned()
}

fn default_label() -> String {
    "cls".to_owned()
}

/// What an operator is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Chooses the order of samples.
    Sample,
    /// Decodes the encoded field.
    Decode,
    /// Transforms one sample.
    Map,
    /// Transforms a batch.
    MapBatch,
}

impl Role {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Sample, "sample"),
        (Self::Decode, "decode"),
        (Self::Map, "map"),
        (Self::MapBatch, "map-batch"),
    ];

    /// The word that declares it.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(role, _)| *role == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One declared operator. In a file its role names the plugin, and every key that is not reserved
/// belongs to the plugin's configuration:
///
/// ```toml
/// [[operator]]
/// map = "zenith:random-resized-crop"
/// size = 224
/// limits = { time = 2.0 }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct OperatorSpec {
    /// What it is for.
    pub role: Role,
    /// The plugin, as in `zenith:jpeg` or `acme:sepia@^1.2`; `None` for a decoder chosen by content.
    pub plugin: Option<String>,
    /// The plugin's configuration.
    pub config: Map<String, Value>,
    /// The limits that the user set.
    pub limits: LimitsSpec,
}

/// Limits as a user writes them: bytes as `536870912` or `"512MiB"`, a time as seconds or as `"500ms"`.
/// What is missing is for somebody else to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Bytes of memory for each instance.
    #[serde(default, deserialize_with = "memory", skip_serializing_if = "Option::is_none")]
    pub memory: Option<usize>,
    /// Seconds for one call.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// Bytes of output for one call.
    #[serde(default, deserialize_with = "output", skip_serializing_if = "Option::is_none")]
    pub output: Option<usize>,
    /// Instances at once, over all workers.
    #[serde(default, deserialize_with = "instances", skip_serializing_if = "Option::is_none")]
    pub instances: Option<usize>,
}

impl LimitsSpec {
    /// The limits, over the defaults.
    pub fn resolve(&self) -> Result<Limits, SpecError> {
        self.resolve_over(&Limits::default())
    }

    /// The limits, over others that hold where this says nothing.
    pub fn resolve_over(&self, others: &Limits) -> Result<Limits, SpecError> {
        let time = match self.time {
            None => others.time,
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|time| !time.is_zero())
                .ok_or(SpecError::Limit { key: "time", value: seconds.to_string() })?,
        };
        for (key, value) in [("memory", self.memory), ("output", self.output), ("instances", self.instances)]
        {
            if value == Some(0) {
                return Err(SpecError::Limit { key, value: "0".to_owned() });
            }
        }
        Ok(Limits {
            memory: self.memory.unwrap_or(others.memory),
            time,
            output: self.output.unwrap_or(others.output),
            instances: self.instances.unwrap_or(others.instances),
        })
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads a limit from a number or a text; errors name the key.
struct Amount<T> {
    key: &'static str,
    what: &'static str,
    whole: fn(u64) -> Option<T>,
    fraction: fn(f64) -> Option<T>,
    text: fn(&str) -> Option<T>,
}

impl<T> Amount<T> {
    fn read<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self).map(Some)
    }

    fn take<E: de::Error>(&self, read: Option<T>, given: impl fmt::Display) -> Result<T, E> {
        read.ok_or_else(|| E::custom(format!("`{}` is {}, but is `{given}`", self.key, self.what)))
    }
}

impl<T> de::Visitor<'_> for Amount<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "for `{}` {}", self.key, self.what)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.take((self.whole)(value), value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        let read = match u64::try_from(value) {
            Ok(value) => (self.whole)(value),
            // What is less than nothing is refused later, where it can be said of which operator it is.
            Err(_) => i32::try_from(value).ok().and_then(|value| (self.fraction)(value.into())),
        };
        self.take(read, value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        self.take((self.fraction)(value), value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        self.take((self.text)(value), value)
    }
}

fn size<'de, D: Deserializer<'de>>(key: &'static str, deserializer: D) -> Result<Option<usize>, D::Error> {
    Amount {
        key,
        what: "a number of bytes such as 536870912 or \"512MiB\"",
        whole: |value| usize::try_from(value).ok(),
        fraction: |_| None,
        text: |text| usize::try_from(parse_bytes(text).ok()?).ok(),
    }
    .read(deserializer)
}

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    size("memory", deserializer)
}

fn output<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    size("output", deserializer)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Amount {
        key: "time",
        what: "a number of seconds or a text such as \"500ms\"",
        whole: |value| u32::try_from(value).ok().map(f64::from),
        fraction: Some,
        text: |text| parse_time(text).ok().map(|time| time.as_secs_f64()),
    }
    .read(deserializer)
}

fn instances<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Amount {
        key: "instances",
        what: "a whole number such as 8",
        whole: |value| usize::try_from(value).ok(),
        fraction: |_| None,
        text: |_| None,
    }
    .read(deserializer)
}

/// How samples become batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchSpec {
    /// Samples in a batch, at least 1.
    pub size: u32,
    /// Whether a last batch that is not full is left out.
    #[serde(default)]
    pub drop_last: bool,
}

impl Default for BatchSpec {
    fn default() -> Self {
        Self { size: 1, drop_last: false }
    }
}

/// Why a declaration is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpecError {
    /// No role, or several.
    #[error(
        "an operator names exactly one of `sample`, `decode`, `map` and `map-batch`, but this one names {0}"
    )]
    Roles(String),
    /// A role's plugin is not a text.
    #[error("`{role}` names a plugin as text, such as \"zenith:jpeg\"")]
    Plugin {
        /// The role.
        role: &'static str,
    },
    /// The limits are not limits.
    #[error("`limits` takes `memory` and `output` in bytes, `time` in seconds, and `instances`: {0}")]
    Limits(String),
    /// One limit is out of range.
    #[error("`limits.{key}` must be more than 0, but is {value}")]
    Limit {
        /// Which limit.
        key: &'static str,
        /// What it was set to.
        value: String,
    },
}

impl TryFrom<Map<String, Value>> for OperatorSpec {
    type Error = SpecError;

    fn try_from(mut table: Map<String, Value>) -> Result<Self, SpecError> {
        let named: Vec<_> = Role::ALL.into_iter().filter(|(_, word)| table.contains_key(*word)).collect();
        let [(role, word)] = named[..] else {
            let names: Vec<_> = named.iter().map(|(_, word)| format!("`{word}`")).collect();
            return Err(SpecError::Roles(if names.is_empty() { "none".into() } else { names.join(" and ") }));
        };
        // Keeps the order of the other keys, in which `explain` shows them.
        let plugin = match table.shift_remove(word) {
            Some(Value::String(plugin))
                if role == Role::Decode && (plugin.is_empty() || plugin == "auto") =>
            {
                None
            }
            Some(Value::String(plugin)) => Some(plugin),
            Some(Value::Null) if role == Role::Decode => None,
            _ => return Err(SpecError::Plugin { role: word }),
        };
        let limits = match table.shift_remove("limits") {
            None => LimitsSpec::default(),
            Some(limits) => {
                serde_json::from_value(limits).map_err(|error| SpecError::Limits(error.to_string()))?
            }
        };
        Ok(Self { role, plugin, config: table, limits })
    }
}

impl From<OperatorSpec> for Map<String, Value> {
    fn from(operator: OperatorSpec) -> Self {
        let mut table = Self::new();
        table.insert(operator.role.word().to_owned(), operator.plugin.map_or(Value::Null, Value::String));
        table.extend(operator.config);
        if !operator.limits.is_default() {
            table.insert("limits".to_owned(), serde_json::json!(operator.limits));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operator(value: Value) -> Result<OperatorSpec, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_that_are_not_reserved_are_configuration() {
        let spec = operator(json!({"map": "acme:sepia", "strength": 0.4, "limits": {"time": 2}})).unwrap();
        assert_eq!(spec.role, Role::Map);
        assert_eq!(spec.plugin.as_deref(), Some("acme:sepia"));
        assert_eq!(Value::Object(spec.config.clone()), json!({"strength": 0.4}));
        assert_eq!(spec.limits.resolve().unwrap().time, Duration::from_secs(2));
        assert_eq!(operator(serde_json::to_value(&spec).unwrap()), Ok(spec));
    }

    #[test]
    fn configuration_keeps_the_order_in_which_it_was_written() {
        let spec =
            operator(json!({"map": "a:b", "mean": 1, "std": 2, "limits": {"time": 1}, "layout": 3})).unwrap();
        assert_eq!(spec.config.keys().collect::<Vec<_>>(), ["mean", "std", "layout"]);
    }

    #[test]
    fn an_operator_has_exactly_one_role() {
        assert!(operator(json!({"size": 3})).unwrap_err().contains("names none"));
        let both = operator(json!({"map": "a:b", "decode": "a:c"})).unwrap_err();
        assert!(both.contains("names `decode` and `map`"), "{both}");
        assert!(operator(json!({"map": 3})).unwrap_err().contains("as text"));
    }

    #[test]
    fn a_decoder_may_be_left_to_the_content() {
        assert_eq!(operator(json!({"decode": null})).unwrap().plugin, None);
        assert_eq!(operator(json!({"decode": "auto"})).unwrap().plugin, None);
    }

    #[test]
    fn senseless_limits_are_refused() {
        for (limits, word) in [
            (json!({"time": 0}), "time"),
            (json!({"time": -1}), "time"),
            (json!({"memory": 0}), "memory"),
            (json!({"output": 0}), "output"),
            (json!({"instances": 0}), "instances"),
        ] {
            let spec = operator(json!({"map": "a:b", "limits": limits})).unwrap();
            assert!(spec.limits.resolve().unwrap_err().to_string().contains(word));
        }
        assert!(
            operator(json!({"map": "a:b", "limits": {"cpu": 1}}))
                .unwrap_err()
                .contains("unknown field `cpu`")
        );
    }
    #[test]
    fn limits_are_written_as_numbers_or_as_people_write_amounts() {
        let limits = json!({"memory": "512MiB", "time": "500ms", "output": 1000, "instances": 8});
        let spec = operator(json!({"map": "a:b", "limits": limits})).unwrap();
        let expected =
            Limits { memory: 512 << 20, time: Duration::from_millis(500), output: 1000, instances: 8 };
        assert_eq!(spec.limits.resolve(), Ok(expected));
        assert_eq!(operator(serde_json::to_value(&spec).unwrap()), Ok(spec));
        for (limits, expected) in [
            (
                json!({"memory": "much"}),
                "`memory` is a number of bytes such as 536870912 or \"512MiB\", but is `much`",
            ),
            (json!({"memory": -1}), "but is `-1`"),
            (json!({"output": 1.5}), "`output` is a number of bytes"),
            (json!({"time": "2h"}), "`time` is a number of seconds or a text such as \"500ms\", but is `2h`"),
            (json!({"instances": "8"}), "`instances` is a whole number such as 8, but is `8`"),
            (json!({"instances": [8]}), "expected for `instances` a whole number"),
        ] {
            let error = operator(json!({"map": "a:b", "limits": limits})).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_an_operator_does_not_say_another_may() {
        let spec = LimitsSpec { instances: Some(2), ..LimitsSpec::default() };
        let others = Limits { memory: 7, instances: 9, ..Limits::default() };
        assert_eq!(spec.resolve_over(&others), Ok(Limits { instances: 2, ..others }));
    }
}
