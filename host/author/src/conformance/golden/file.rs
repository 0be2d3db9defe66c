//! Golden samples on disk: `case.json` and the files beside it.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use zenith_core::{DType, Decision, Kind, Population, Round, TensorType};

use super::{Case, Content, Encoded, Expected, GoldenError, Made, shape_of};
use crate::conformance::inputs::Tensor;

const CASE: &str = "case.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorFile {
    dtype: DType,
    shape: Vec<u32>,
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputFile {
    dtype: DType,
    shape: Vec<u32>,
    file: String,
    #[serde(default)]
    tolerance: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EncodedFile {
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransformCase {
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    seed: u64,
    input: TensorFile,
    #[serde(default)]
    output: Option<OutputFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecoderCase {
    #[serde(default)]
    config: Map<String, Value>,
    /// Decoders take none; a case may say one, as the others do.
    #[serde(default, rename = "seed")]
    _seed: u64,
    input: EncodedFile,
    #[serde(default)]
    output: Option<OutputFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchCase {
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    seed: u64,
    inputs: Vec<TensorFile>,
    #[serde(default)]
    outputs: Vec<OutputFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SamplerCase {
    #[serde(default)]
    config: Map<String, Value>,
    population: Population,
    #[serde(default)]
    indices: Option<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyCase {
    #[serde(default)]
    config: Map<String, Value>,
    round: Round,
    #[serde(default)]
    decision: Option<Decision>,
}

/// The folders of the cases, by name.
pub(super) fn cases(folder: &Path) -> Result<Vec<PathBuf>, GoldenError> {
    let wrong = |cause: io::Error| GoldenError::new(folder, format!("cannot be listed: {cause}"));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(wrong(cause)),
    };
    let mut cases = Vec::new();
    for entry in entries {
        let path = entry.map_err(wrong)?.path();
        if path.join(CASE).is_file() {
            cases.push(path);
        }
    }
    cases.sort();
    Ok(cases)
}

/// Reads one case of a plugin of this kind.
pub(super) fn read(folder: &Path, kind: Kind) -> Result<Case, GoldenError> {
    let reader = Reader { folder };
    let (config, content) = match kind {
        Kind::Transform => {
            let TransformCase { config, seed, input, output } = reader.case()?;
            let input = reader.tensor(&input.file, input.dtype, &input.shape)?;
            (config, Content::Transform { seed, input, output: reader.expected(output, 0)? })
        }
        Kind::Decoder => {
            let DecoderCase { config, _seed: _, input, output } = reader.case()?;
            let name = folder.join(&input.file).display().to_string();
            let input = Encoded { name, bytes: reader.bytes(&input.file)? };
            (config, Content::Decoder { input, output: reader.expected(output, 0)? })
        }
        Kind::BatchTransform => {
            let BatchCase { config, seed, inputs, outputs } = reader.case()?;
            let mut outputs = outputs.into_iter();
            let expected = (0..inputs.len())
                .map(|place| reader.expected(outputs.next(), place))
                .collect::<Result<_, _>>()?;
            let inputs = inputs
                .iter()
                .map(|input| reader.tensor(&input.file, input.dtype, &input.shape))
                .collect::<Result<_, _>>()?;
            (config, Content::BatchTransform { seed, inputs, outputs: expected })
        }
        Kind::Sampler => {
            let SamplerCase { config, population, indices } = reader.case()?;
            if population.world_size == 0 || population.rank >= population.world_size {
                return Err(reader.wrong("has a `rank` that is not below its `world_size`"));
            }
            (config, Content::Sampler { population, indices })
        }
        Kind::Policy => {
            let PolicyCase { config, round, decision } = reader.case()?;
            round.check_columns().map_err(|error| reader.wrong(format!("is wrong: {error}")))?;
            (config, Content::Policy { round: Box::new(round), decision })
        }
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Case { name, folder: folder.to_owned(), config: Value::Object(config).to_string(), content })
}

/// Writes what a case lacks.
pub(super) fn write(case: &Case, made: &Made) -> Result<(), GoldenError> {
    let reader = Reader { folder: &case.folder };
    let mut table: Map<String, Value> = reader.case()?;
    match (made, &case.content) {
        (Made::Indices(indices), _) => {
            table.insert("indices".to_owned(), json!(indices));
        }
        (Made::Decision(decision), _) => {
            table.insert("decision".to_owned(), json!(decision));
        }
        (Made::Tensors(tensors), Content::BatchTransform { outputs, .. }) => {
            let outputs = tensors
                .iter()
                .zip(outputs)
                .map(|(tensor, expected)| reader.write_tensor(tensor, expected))
                .collect::<Result<Vec<_>, _>>()?;
            table.insert("outputs".to_owned(), Value::Array(outputs));
        }
        (Made::Tensors(tensors), Content::Transform { output, .. } | Content::Decoder { output, .. }) => {
            for tensor in tensors {
                table.insert("output".to_owned(), reader.write_tensor(tensor, output)?);
            }
        }
        (Made::Tensors(_), _) => {}
    }
    let text = serde_json::to_string_pretty(&table).unwrap_or_default() + "\n";
    reader.write(CASE, text.as_bytes())
}

struct Reader<'a> {
    folder: &'a Path,
}

impl Reader<'_> {
    fn wrong(&self, problem: impl Into<String>) -> GoldenError {
        GoldenError::new(self.folder, problem)
    }

    fn case<T: DeserializeOwned>(&self) -> Result<T, GoldenError> {
        let text = self.bytes(CASE)?;
        serde_json::from_slice(&text).map_err(|error| self.wrong(format!("has a wrong `{CASE}`: {error}")))
    }

    /// A file of the case. It lies in the case's folder.
    fn path(&self, file: &str) -> Result<PathBuf, GoldenError> {
        let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || file.is_empty() {
            return Err(self.wrong(format!("names the file `{file}`, which is not in its folder")));
        }
        Ok(self.folder.join(file))
    }

    fn bytes(&self, file: &str) -> Result<Vec<u8>, GoldenError> {
        fs::read(self.path(file)?)
            .map_err(|cause| self.wrong(format!("has a file `{file}` that cannot be read: {cause}")))
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<(), GoldenError> {
        fs::write(self.path(file)?, bytes)
            .map_err(|cause| self.wrong(format!("has a file `{file}` that cannot be written: {cause}")))
    }

    fn tensor(&self, file: &str, dtype: DType, shape: &[u32]) -> Result<Tensor, GoldenError> {
        let data = self.bytes(file)?;
        let planned = TensorType::fixed(dtype, shape);
        match planned.byte_len() {
            Some(length) if length == data.len() => Ok(Tensor { dtype, extents: shape.to_vec(), data }),
            Some(length) => {
                Err(self
                    .wrong(format!("has {} bytes in `{file}`, and {planned} is {length} bytes", data.len())))
            }
            None => Err(self.wrong(format!("says that `{file}` is {planned}, which is too large"))),
        }
    }

    /// An output, which is complete where its file is there.
    fn expected(&self, output: Option<OutputFile>, place: usize) -> Result<Expected, GoldenError> {
        let Some(OutputFile { dtype, shape, file, tolerance }) = output else {
            let file = if place == 0 { "output.bin".to_owned() } else { format!("output-{place}.bin") };
            return Ok(Expected { tensor: None, tolerance: 0.0, file });
        };
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(self.wrong(format!("has the tolerance {tolerance}, which must be 0 or more")));
        }
        let tensor = if self.path(&file)?.exists() { Some(self.tensor(&file, dtype, &shape)?) } else { None };
        Ok(Expected { tensor, tolerance, file })
    }

    fn write_tensor(&self, tensor: &Tensor, expected: &Expected) -> Result<Value, GoldenError> {
        self.write(&expected.file, &tensor.data)?;
        let mut written = json!({
            "dtype": tensor.dtype, "shape": shape_of(tensor), "file": expected.file,
        });
        if expected.tolerance > 0.0 {
            written["tolerance"] = json!(expected.tolerance);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_case(kind: Kind, json: &str, files: &[(&str, &[u8])]) -> Result<Case, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CASE), json).unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        read(folder.path(), kind).map_err(|error| error.problem)
    }

    #[test]
    fn a_case_without_an_output_is_one_that_is_not_complete() {
        let json = r#"{"input": {"dtype": "uint8", "shape": [1, 2], "file": "in.bin"}}"#;
        let case = read_case(Kind::Transform, json, &[("in.bin", &[1, 2])]).unwrap();
        assert!(!case.content.is_complete() && case.config == "{}");
        let json = r#"{"input": {"dtype": "uint8", "shape": [1, 2], "file": "in.bin"},
            "output": {"dtype": "uint8", "shape": [2], "file": "out.bin", "tolerance": 1}}"#;
        let case = read_case(Kind::Transform, json, &[("in.bin", &[1, 2])]).unwrap();
        assert!(!case.content.is_complete(), "its file is still to come");
        let case = read_case(Kind::Transform, json, &[("in.bin", &[1, 2]), ("out.bin", &[3, 4])]).unwrap();
        assert!(case.content.is_complete());
    }

    #[test]
    fn what_is_wrong_with_a_case_is_told() {
        let wrong = |kind, json: &str| read_case(kind, json, &[("in.bin", &[1, 2])]).unwrap_err();
        let input = |file: &str, shape: &str| {
            format!(r#"{{"input": {{"dtype": "uint8", "shape": {shape}, "file": "{file}"}}}}"#)
        };
        assert_eq!(
            wrong(Kind::Transform, &input("in.bin", "[3]")),
            "has 2 bytes in `in.bin`, and uint8[3] is 3 bytes"
        );
        for file in ["../in.bin", "/etc/hostname", ""] {
            assert!(wrong(Kind::Transform, &input(file, "[2]")).contains("is not in its folder"));
        }
        assert!(wrong(Kind::Transform, &input("other.bin", "[2]")).contains("cannot be read"));
        assert!(wrong(Kind::Transform, "{").contains("has a wrong `case.json`"));
        assert!(wrong(Kind::Transform, r#"{"imput": 1}"#).contains("unknown field `imput`"));
        let population = r#"{"length": 3, "epoch": 0, "seed": 0, "rank": 1, "world_size": 1}"#;
        let json = format!(r#"{{"population": {population}}}"#);
        assert!(wrong(Kind::Sampler, &json).contains("not below its `world_size`"));
        let uneven = r#"{"round": {"now": 1, "waiting": {"id": [1]}}}"#;
        assert!(wrong(Kind::Policy, uneven).contains("the columns of `waiting` differ in length"));
    }
}
