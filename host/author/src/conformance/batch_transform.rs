//! What a batch transform promises: as a transform, of whole batches, one output for each field.

use zenith_core::{
    BatchEffect, BatchTransform, DType, Limits, OperatorError, Output, TensorType, TensorView,
};

use super::{
    Checks, Failure, Subject, answered, difference,
    inputs::{FORMS, Form, Noise, Tensor},
    seeds, value,
};

/// Samples in a batch; the last one of an epoch may have only one.
const BATCHES: [u32; 3] = [4, 1, 7];

const SEEDS: [u64; 3] = [0, 12_345, (1 << 53) - 1];

/// A batch transform under test: a configuration, and the form of the images that it is given beside
/// labels.
struct Trial<'a> {
    subject: &'a Subject<'a>,
    config: &'a str,
    form: Form,
}

pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>, configs: &[String]) {
    let mut trials = Vec::new();
    checks.check("it plans a usual batch of images and labels, and declines others with a reason", || {
        for config in configs {
            let before = trials.len();
            for form in FORMS {
                let trial = Trial { subject, config, form };
                if trial.takes()? {
                    trials.push(trial);
                }
            }
            if trials.len() == before && subject.golden.is_empty() {
                let types: Vec<_> = FORMS.iter().map(|form| form.open().to_string()).collect();
                let given = format!("batches of {}, with labels", types.join(", "));
                return Err(Failure::new(config, given, "it takes none of them"));
            }
        }
        Ok(None)
    });
    if trials.is_empty() {
        checks.skip(
            "what it makes of batches of many sizes",
            "it takes no usual batch; see its golden samples",
        );
        return;
    }
    checks.check("it writes exactly what it planned, of full batches and of short ones", || {
        let mut made = 0_usize;
        for trial in &trials {
            made += trial.transforms()?;
        }
        match made {
            0 => Err(Failure::new(trials[0].config, "usual batches", "every one was declined")),
            _ => Ok(Some(format!("{made} batches"))),
        }
    });
    if subject.is_deterministic() {
        checks.check(
            "the same seed gives the same bytes, whatever came before and in another instance",
            || trials.iter().try_for_each(Trial::repeats).map(|()| None),
        );
        seeds(checks, &trials, Trial::ignores_its_seed);
    } else {
        checks.skip("the same seed gives the same bytes", "it is given what is not the same twice");
    }
}

impl Trial<'_> {
    fn make(&self) -> Result<Box<dyn BatchTransform>, Failure> {
        let made = self.subject.plugin.batch_transform(self.config, &self.subject.limits);
        value(made, self.config, "its configuration")
    }

    fn takes(&self) -> Result<bool, Failure> {
        let types: Vec<_> = self.batch(4).iter().map(Tensor::tensor_type).collect();
        let plan = self.make()?.plan(&types);
        Ok(answered(plan, self.config, told(&types))?.is_ok())
    }

    /// Images and labels.
    fn batch(&self, samples: u32) -> Vec<Tensor> {
        let mut noise = Noise::new(u64::from(samples));
        let (images, labels): (Vec<_>, Vec<_>) = (0..samples)
            .map(|sample| (self.form.tensor(8, 6, &mut noise), i64::from(sample % 3).to_le_bytes()))
            .unzip();
        let mut extents = vec![samples];
        extents.extend_from_slice(&images[0].extents);
        let data = images.iter().flat_map(|image| image.data.iter().copied()).collect();
        vec![
            Tensor { dtype: self.form.dtype, extents, data },
            Tensor { dtype: DType::Int64, extents: vec![samples], data: labels.concat() },
        ]
    }

    fn transforms(&self) -> Result<usize, Failure> {
        let mut transform = self.make()?;
        let mut made = 0;
        for samples in BATCHES {
            let batch = self.batch(samples);
            for seed in SEEDS {
                let answer = transformed(&mut *transform, &batch, seed, &self.subject.limits);
                made += usize::from(answered(answer, self.config, given(&batch, seed))?.is_ok());
            }
        }
        Ok(made)
    }

    fn repeats(&self) -> Result<(), Failure> {
        let (mut one, mut other) = (self.make()?, self.make()?);
        let (batch, second) = (self.batch(4), self.batch(7));
        let limits = &self.subject.limits;
        for seed in SEEDS {
            let before = transformed(&mut *one, &batch, seed, limits);
            let Ok(before) = answered(before, self.config, given(&batch, seed))? else { continue };
            let _ = transformed(&mut *one, &second, seed + 1, limits);
            for (transform, when) in [(&mut one, "after another batch"), (&mut other, "in another instance")]
            {
                let again = transformed(&mut **transform, &batch, seed, limits);
                let again = value(again, self.config, given(&batch, seed))?;
                if let Some((before, again)) = before.iter().zip(&again).find(|(one, other)| one != other) {
                    let came = format!("{}, {when}", difference(&before.data, &again.data));
                    return Err(Failure::new(self.config, given(&batch, seed), came));
                }
            }
        }
        Ok(())
    }

    fn ignores_its_seed(&self) -> Result<bool, Failure> {
        let mut transform = self.make()?;
        let batch = self.batch(4);
        let types: Vec<_> = batch.iter().map(Tensor::tensor_type).collect();
        let plan = answered(transform.plan(&types), self.config, told(&types))?;
        if !plan.is_ok_and(|effect| !effect.seeded) {
            return Ok(false);
        }
        let mut first: Option<Vec<Tensor>> = None;
        for seed in SEEDS {
            let answer = transformed(&mut *transform, &batch, seed, &self.subject.limits);
            let Ok(made) = answered(answer, self.config, given(&batch, seed))? else { continue };
            match &first {
                Some(first) if *first != made => {
                    let given = format!("{}, and then seed {seed}", given(&batch, SEEDS[0]));
                    return Err(Failure::new(self.config, given, "other bytes"));
                }
                _ => first = Some(made),
            }
        }
        Ok(true)
    }
}

fn told(types: &[TensorType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn given(batch: &[Tensor], seed: u64) -> String {
    format!("{}, seed {seed}", told(&batch.iter().map(Tensor::tensor_type).collect::<Vec<_>>()))
}

/// Does to one batch what the pipeline does: plans, and applies into places of the planned sizes.
pub(super) fn transformed(
    transform: &mut dyn BatchTransform,
    batch: &[Tensor],
    seed: u64,
    limits: &Limits,
) -> Result<Vec<Tensor>, OperatorError> {
    let types: Vec<_> = batch.iter().map(Tensor::tensor_type).collect();
    let BatchEffect { outputs, seeded: _ } = transform.plan(&types)?;
    let mut made = Vec::new();
    for planned in &outputs {
        let extents = planned.extents().ok_or_else(|| {
            OperatorError::Answer(format!("it planned {planned} of a batch whose shape is known"))
        })?;
        let length = planned.byte_len().filter(|length| *length <= limits.output);
        let length = length.ok_or_else(|| OperatorError::TooLarge(planned.to_string()))?;
        made.push(Tensor { dtype: planned.dtype, extents: extents.to_vec(), data: vec![0; length] });
    }
    let views: Option<Vec<TensorView<'_>>> = batch.iter().map(Tensor::view).collect();
    let views = views.ok_or_else(|| OperatorError::Start("the test's own input is wrong".into()))?;
    let mut places: Vec<_> = made.iter_mut().map(|tensor| Output::place(&mut tensor.data)).collect();
    transform.apply(&views, seed, &mut places)?;
    Ok(made)
}
