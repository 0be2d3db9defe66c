//! Blend: each sample of a batch is mixed with the one after it, and the last with the first, as mixup
//! does with a partner that is always the same.

use zenith_plugin_sdk::{
    BatchEffect, BatchTransform, DType, Error, Output, Tensor, TensorType, export, serde,
};

/// The configuration, and the transform itself: it keeps nothing else. An unknown key is refused.
#[derive(serde::Deserialize)]
#[serde(crate = "serde", default, deny_unknown_fields)]
struct Blend {
    /// How much of the next sample is mixed in, from 0 to 1.
    ratio: f32,
}

impl Default for Blend {
    fn default() -> Self {
        Self { ratio: 0.5 }
    }
}

impl BatchTransform for Blend {
    type Config = Self;

    /// Called once for each worker. An error here stops the pipeline before its first batch.
    fn configure(config: Self) -> Result<Self, Error> {
        match config.ratio {
            0.0..=1.0 => Ok(config),
            wrong => Err(Error::config(
                "ratio",
                format!("must be between 0 and 1, but is {wrong}"),
            )),
        }
    }

    /// Called when a pipeline is planned, with the type of each field; their first extent is the batch's.
    fn plan(&self, inputs: &[TensorType]) -> Result<BatchEffect, Error> {
        for input in inputs {
            if input.dtype != DType::Float32 || input.shape.is_empty() {
                return Err(Error::UnsupportedType(format!(
                    "it takes float32[batch, ...], not {input}"
                )));
            }
        }
        Ok(BatchEffect {
            outputs: inputs.to_vec(),
            seeded: false,
        })
    }

    /// Called for each batch, with one place for each field.
    fn apply(
        &mut self,
        inputs: &[Tensor<'_>],
        _seed: u64,
        outputs: &mut [Output<'_>],
    ) -> Result<(), Error> {
        for (input, output) in inputs.iter().zip(outputs) {
            let data = input.data();
            let samples = input
                .extents()
                .first()
                .map_or(1, |batch| *batch as usize)
                .max(1);
            let size = data.len() / samples;
            output.fill(data.len(), |place| {
                // Where each value's partner is: a sample further on, and round again.
                let partners = data[size..]
                    .iter()
                    .chain(&data[..size])
                    .copied()
                    .collect::<Vec<u8>>();
                let values = data.chunks_exact(4).zip(partners.chunks_exact(4));
                for (out, (own, partner)) in place.chunks_exact_mut(4).zip(values) {
                    let (own, partner) = (float(own), float(partner));
                    let mixed = own * (1.0 - self.ratio) + partner * self.ratio;
                    out.copy_from_slice(&mixed.to_le_bytes());
                }
            });
        }
        Ok(())
    }
}

fn float(bytes: &[u8]) -> f32 {
    f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

export!(batch_transform: Blend);

// `cargo test` runs the plugin's own code natively, without WebAssembly.
#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::parse_config;

    use super::*;

    #[test]
    fn a_ratio_above_one_is_refused_by_name() {
        let error = Blend::configure(parse_config(r#"{"ratio": 1.5}"#).unwrap())
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`ratio` must be between 0 and 1, but is 1.5"
        );
    }

    #[test]
    fn whole_numbers_are_refused_when_the_pipeline_is_planned() {
        let error = Blend::default()
            .plan(&[TensorType::fixed(DType::Uint8, &[2, 3])])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "it takes float32[batch, ...], not uint8[2, 3]"
        );
    }
}
