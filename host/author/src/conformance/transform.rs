//! What a transform promises: it does to any tensor of a type that it takes what it planned to do, and
//! nothing but its seed and its input decides.

use zenith_core::{Limits, OperatorError, Output, Transform};

use super::{
    Checks, Failure, Subject, answered, difference,
    inputs::{FORMS, Form, Noise, Tensor},
    seeds, value,
};

/// Heights and widths of ordinary images.
const SIZES: [(u32, u32); 4] = [(224, 224), (5, 7), (64, 48), (33, 130)];

/// Heights and widths at the ends of what can be.
const EXTREMES: [(u32, u32); 5] = [(1, 1), (1, 2000), (2000, 1), (2, 2), (1, 3)];

const SEEDS: [u64; 4] = [0, 1, 12_345, (1 << 53) - 1];

/// A transform under test, in one configuration.
struct Trial<'a> {
    subject: &'a Subject<'a>,
    config: &'a str,
    form: Form,
}

pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>, configs: &[String]) {
    let mut trials = Vec::new();
    checks.check("it plans a usual tensor, and declines others with a reason", || {
        let mut forms = FORMS.to_vec();
        for form in subject.golden.tensors().iter().filter_map(Form::of) {
            if !forms.iter().any(|known| known.is_same(&form)) {
                forms.push(form);
            }
        }
        for config in configs {
            let before = trials.len();
            for form in &forms {
                let trial = Trial { subject, config, form: *form };
                if trial.takes()? {
                    trials.push(trial);
                }
            }
            if trials.len() == before && subject.golden.tensors().is_empty() {
                let types: Vec<_> = forms.iter().map(|form| form.open().to_string()).collect();
                return Err(Failure::new(config, types.join(", "), "it takes none of them"));
            }
        }
        let mut taken: Vec<_> = trials.iter().map(|trial| trial.form.open().to_string()).collect();
        taken.dedup();
        Ok((!taken.is_empty()).then(|| format!("it takes {}", taken.join(", "))))
    });
    if trials.is_empty() {
        checks.skip(
            "what it makes of tensors of many sizes",
            "it takes no usual tensor; see its golden samples",
        );
        return;
    }
    checks.check("what it plans for an open shape holds for every known one", || {
        each(&trials, Trial::plans_alike)
    });
    checks.check("it writes exactly what it planned", || {
        let mut made = 0;
        each(&trials, |trial| {
            made += trial.transforms(&SIZES)?;
            Ok(())
        })?;
        if made == 0 {
            let given = format!("tensors of {SIZES:?} rows and columns");
            return Err(Failure::new(trials[0].config, given, "every one was declined"));
        }
        Ok(Some(format!("{made} tensors")))
    });
    checks.check("images of one pixel, one row and one column are made or declined", || {
        let mut made = 0;
        each(&trials, |trial| {
            made += trial.transforms(&EXTREMES)?;
            Ok(())
        })?;
        Ok(Some(format!("{made} of {} made", trials.len() * EXTREMES.len() * SEEDS.len())))
    });
    checks.check("the least, the greatest and no number do not trap", || each(&trials, Trial::bears));
    windows(checks, &trials);
    if subject.is_deterministic() {
        checks.check(
            "the same seed gives the same bytes, whatever came before and in another instance",
            || each(&trials, Trial::repeats),
        );
        seeds(checks, &trials, Trial::ignores_its_seed);
    } else {
        checks.skip("the same seed gives the same bytes", "it is given what is not the same twice");
    }
}

fn each<'a>(
    trials: &'a [Trial<'a>],
    mut check: impl FnMut(&'a Trial<'a>) -> Result<(), Failure>,
) -> super::Verdict {
    trials.iter().try_for_each(&mut check).map(|()| None)
}

fn windows(checks: &mut Checks, trials: &[Trial<'_>]) {
    let name = "its windows lie inside the image";
    let windowed: Vec<_> = trials.iter().filter(|trial| trial.form.has_windows()).collect();
    let mut asked = 0_usize;
    let found = windowed.iter().try_for_each(|trial| {
        asked += trial.windows()?;
        Ok(())
    });
    match found {
        Ok(()) if asked == 0 => checks.skip(name, "it reads its whole input"),
        found => checks.check(name, || found.map(|()| Some(format!("{asked} windows")))),
    }
}

impl Trial<'_> {
    fn make(&self) -> Result<Box<dyn Transform>, Failure> {
        let made = self.subject.plugin.transform(self.config, &self.subject.limits);
        value(made, self.config, "its configuration")
    }

    fn noise(&self) -> Noise {
        Noise::new(self.config.len() as u64)
    }

    fn takes(&self) -> Result<bool, Failure> {
        let mut transform = self.make()?;
        let (open, fixed) = (self.form.open(), self.form.tensor(64, 48, &mut self.noise()).tensor_type());
        let open = answered(transform.plan(&open), self.config, format!("the type {open}"))?;
        let fixed = answered(transform.plan(&fixed), self.config, format!("the type {fixed}"))?;
        Ok(open.is_ok() && fixed.is_ok())
    }

    /// A known shape must not be planned against what was planned for the open one.
    fn plans_alike(&self) -> Result<(), Failure> {
        let mut transform = self.make()?;
        let given = self.form.open();
        let open = value(transform.plan(&given), self.config, &given)?;
        for (height, width) in SIZES {
            let input = self.form.tensor(height, width, &mut self.noise()).tensor_type();
            let Ok(fixed) = answered(transform.plan(&input), self.config, &input)? else { continue };
            let admitted = open.output.dtype == fixed.output.dtype
                && open.output.shape.len() == fixed.output.shape.len()
                && open
                    .output
                    .shape
                    .iter()
                    .zip(&fixed.output.shape)
                    .all(|(open, fixed)| open.is_none() || open == fixed);
            // A size that is known may allow more: an image that is large enough need not be padded, and
            // then a crop is nothing else.
            let alike = (open.seeded, open.windowed) == (fixed.seeded, fixed.windowed)
                && (fixed.crop_only || !open.crop_only)
                && (fixed.reducible || !open.reducible);
            if !admitted || !alike {
                let given = format!("{given}, and then {input}");
                return Err(Failure::new(self.config, given, format!("{open:?}, and then {fixed:?}")));
            }
        }
        Ok(())
    }

    /// Transforms tensors of these sizes with several seeds; answers how many were not declined.
    fn transforms(&self, sizes: &[(u32, u32)]) -> Result<usize, Failure> {
        let (mut transform, mut noise) = (self.make()?, self.noise());
        let mut made = 0;
        for (height, width) in sizes {
            let input = self.form.tensor(*height, *width, &mut noise);
            for seed in SEEDS {
                let answer = transformed(&mut *transform, &input, seed, &self.subject.limits);
                made += usize::from(answered(answer, self.config, given(&input, seed))?.is_ok());
            }
        }
        Ok(made)
    }

    fn bears(&self) -> Result<(), Failure> {
        let mut transform = self.make()?;
        for input in self.form.awkward(9, 6) {
            let value = &input.data[..input.dtype.size()];
            let answer = transformed(&mut *transform, &input, 1, &self.subject.limits);
            let _ = answered(answer, self.config, format!("{input} with every element {value:?}, seed 1"))?;
        }
        Ok(())
    }

    /// Asks for windows of many images; answers how many were told.
    fn windows(&self) -> Result<usize, Failure> {
        let mut transform = self.make()?;
        let mut told = 0;
        for (height, width) in SIZES.into_iter().chain(EXTREMES) {
            let input = self.form.tensor(height, width, &mut self.noise());
            let plan = answered(transform.plan(&input.tensor_type()), self.config, &input)?;
            if !plan.is_ok_and(|effect| effect.windowed) {
                continue;
            }
            for seed in (0..50).chain(SEEDS) {
                let window = transform.window(width, height, seed);
                told += usize::from(answered(window, self.config, given(&input, seed))?.is_ok());
            }
        }
        Ok(told)
    }

    fn repeats(&self) -> Result<(), Failure> {
        let (mut one, mut other) = (self.make()?, self.make()?);
        let mut noise = self.noise();
        let (first, second) = (self.form.tensor(64, 48, &mut noise), self.form.tensor(33, 130, &mut noise));
        let limits = &self.subject.limits;
        for seed in SEEDS {
            let before = transformed(&mut *one, &first, seed, limits);
            let Ok(before) = answered(before, self.config, given(&first, seed))? else { continue };
            let _ = transformed(&mut *one, &second, seed + 1, limits);
            for (transform, when) in [(&mut one, "after another sample"), (&mut other, "in another instance")]
            {
                let again = value(
                    transformed(&mut **transform, &first, seed, limits),
                    self.config,
                    given(&first, seed),
                )?;
                if again != before {
                    let came = format!("{}, {when}", difference(&before.data, &again.data));
                    return Err(Failure::new(self.config, given(&first, seed), came));
                }
            }
        }
        Ok(())
    }

    /// Whether it says that it ignores its seed, which then must be so.
    fn ignores_its_seed(&self) -> Result<bool, Failure> {
        let mut transform = self.make()?;
        let input = self.form.tensor(64, 48, &mut self.noise());
        let plan = answered(transform.plan(&input.tensor_type()), self.config, &input)?;
        if !plan.is_ok_and(|effect| !effect.seeded) {
            return Ok(false);
        }
        let mut first: Option<Tensor> = None;
        for seed in SEEDS {
            let answer = transformed(&mut *transform, &input, seed, &self.subject.limits);
            let Ok(made) = answered(answer, self.config, given(&input, seed))? else { continue };
            match &first {
                Some(first) if *first != made => {
                    let given = format!("{input}, seed {} and then seed {seed}", SEEDS[0]);
                    return Err(Failure::new(self.config, given, difference(&first.data, &made.data)));
                }
                _ => first = Some(made),
            }
        }
        Ok(true)
    }
}

fn given(input: &Tensor, seed: u64) -> String {
    format!("{input}, seed {seed}")
}

/// Does to one sample what the pipeline does: plans, asks for the window, cuts it out, applies.
pub(super) fn transformed(
    transform: &mut dyn Transform,
    input: &Tensor,
    seed: u64,
    limits: &Limits,
) -> Result<Tensor, OperatorError> {
    let effect = transform.plan(&input.tensor_type())?;
    let cut;
    let handed = if effect.windowed {
        let (height, width) = input.rows_and_columns();
        cut = input.cut(transform.window(width, height, seed)?);
        &cut
    } else {
        input
    };
    let wrong = |came: &[u32]| {
        let (dtype, planned) = (effect.output.dtype, &effect.output);
        OperatorError::Answer(format!("it planned {planned}, and made {dtype}{came:?}"))
    };
    if effect.crop_only {
        return if effect.output.admits(handed.dtype, &handed.extents) {
            Ok(handed.clone())
        } else {
            Err(wrong(&handed.extents))
        };
    }
    let view = handed.view().ok_or_else(|| OperatorError::Start("the test's own input is wrong".into()))?;
    let dtype = effect.output.dtype;
    if let Some(extents) = effect.output.extents() {
        let length = effect.output.byte_len().filter(|length| *length <= limits.output);
        let length = length.ok_or_else(|| OperatorError::TooLarge(format!("{}", effect.output)))?;
        let mut data = vec![0; length];
        transform.apply(view, seed, &mut Output::place(&mut data))?;
        return Ok(Tensor { dtype, extents: extents.to_vec(), data });
    }
    let mut data = Vec::new();
    let mut output = Output::open(dtype, limits.output, &mut data);
    transform.apply(view, seed, &mut output)?;
    let extents = output.declared().unwrap_or_default().to_vec();
    if !effect.output.admits(dtype, &extents) {
        return Err(wrong(&extents));
    }
    Ok(Tensor { dtype, extents, data })
}
