//! What a decoder promises: damaged bytes are an error, a window is a part of the whole, a reduction has
//! the size that it should.

use zenith_core::{Decode, DecodeRequest, Header, Limits, OperatorError, Output, Window};

use super::{
    Checks, Failure, Subject, Verdict, answered, difference,
    golden::Encoded,
    inputs::{Noise, Tensor},
    value,
};

/// Places at which a sample is cut off, and at which it is damaged.
const DAMAGES: u64 = 48;

/// Windows of a sample that are compared with its whole.
const WINDOWS: usize = 12;

/// Bytes of a decoded image beyond which a damaged header is not followed: it is the time of who waits.
const PATIENCE: usize = 64 << 20;

/// A decoder under test, in one configuration.
struct Trial<'a> {
    subject: &'a Subject<'a>,
    config: &'a str,
}

pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>, configs: &[String]) {
    let trials: Vec<_> = configs.iter().map(|config| Trial { subject, config }).collect();
    let samples = subject.golden.encoded();
    let mut magics = Vec::new();
    checks.check("it says which formats it reads, and what it makes of them", || {
        let mut formats = Vec::new();
        for trial in &trials {
            let mut decoder = trial.make()?;
            let planned = value(decoder.plan(), trial.config, "`plan`")?;
            for format in value(decoder.formats(), trial.config, "`formats`")? {
                formats.push(format!("{} to {planned}", format.media_type));
                magics.push(format.magic);
            }
        }
        formats.dedup();
        if formats.is_empty() {
            return Err(Failure::new(&configs[0], "`formats`", "it reads none"));
        }
        Ok(Some(formats.join(", ")))
    });
    checks.check("no bytes, a few bytes and random bytes are an error", || {
        each(&trials, |trial| trial.declines_noise(&magics))
    });
    if samples.is_empty() {
        let reason = "there is no golden sample to decode, or to damage";
        for name in [
            "its samples begin as its formats say",
            "a sample decodes to the same pixels, again and in another instance",
            "a window is that part of the whole",
            "a reduction has the size that it should",
            "a sample that is cut short is decoded or declined",
            "a sample with flipped bits is decoded or declined",
        ] {
            checks.skip(name, reason);
        }
        return;
    }
    checks.check("its samples begin as its formats say", || {
        match samples.iter().find(|sample| !magics.iter().any(|magic| sample.bytes.starts_with(magic))) {
            Some(sample) => {
                Err(Failure::new(&configs[0], &sample.name, "it begins with none of the formats' bytes"))
            }
            None => Ok(None),
        }
    });
    checks.check("a sample decodes to the same pixels, again and in another instance", || {
        over(&trials, samples, Trial::repeats)
    });
    checks.check("a window is that part of the whole", || over(&trials, samples, Trial::cuts));
    reductions(checks, &trials, samples);
    checks.check("a sample that is cut short is decoded or declined", || {
        over(&trials, samples, Trial::bears_cuts)
    });
    checks.check("a sample with flipped bits is decoded or declined", || {
        over(&trials, samples, Trial::bears_damage)
    });
}

fn each(trials: &[Trial<'_>], check: impl FnMut(&Trial<'_>) -> Result<(), Failure>) -> Verdict {
    trials.iter().try_for_each(check).map(|()| None)
}

/// Makes a check with every sample that a configuration takes, of which there must be one.
fn over<'a>(
    trials: &[Trial<'a>],
    samples: &[Encoded],
    check: fn(&Trial<'a>, &Encoded) -> Result<bool, Failure>,
) -> Verdict {
    let mut taken = 0_usize;
    for trial in trials {
        for sample in samples {
            taken += usize::from(check(trial, sample)?);
        }
    }
    match taken {
        0 => Err(Failure::new(
            trials[0].config,
            format!("{} golden samples", samples.len()),
            "it declined all",
        )),
        _ => Ok(None),
    }
}

fn reductions(checks: &mut Checks, trials: &[Trial<'_>], samples: &[Encoded]) {
    let name = "a reduction has the size that it should";
    let mut done = 0_usize;
    let found = trials.iter().try_for_each(|trial| {
        samples.iter().try_for_each(|sample| {
            done += trial.reduces(sample)?;
            Ok(())
        })
    });
    match found {
        Ok(()) if done == 0 => checks.skip(name, "it does none"),
        found => checks.check(name, || found.map(|()| Some(format!("{done} reductions")))),
    }
}

impl Trial<'_> {
    fn make(&self) -> Result<Box<dyn Decode>, Failure> {
        let made = self.subject.plugin.decoder(self.config, &self.subject.limits);
        value(made, self.config, "its configuration")
    }

    fn whole(&self, decoder: &mut dyn Decode, bytes: &[u8]) -> Result<Tensor, OperatorError> {
        let header = decoder.open(bytes)?;
        let request = DecodeRequest { window: Window::full(header.width, header.height), reduction: 1 };
        decoded(decoder, bytes, request, &self.subject.limits)
    }

    /// The sample, whole, unless the decoder declines it in this configuration.
    fn taken(&self, decoder: &mut dyn Decode, sample: &Encoded) -> Result<Option<(Header, Tensor)>, Failure> {
        let opened = answered(decoder.open(&sample.bytes), self.config, &sample.name)?;
        let Ok(header) = opened else { return Ok(None) };
        let whole = value(self.whole(decoder, &sample.bytes), self.config, &sample.name)?;
        Ok(Some((header, whole)))
    }

    fn declines_noise(&self, magics: &[Vec<u8>]) -> Result<(), Failure> {
        let mut decoder = self.make()?;
        let mut noise = Noise::new(1);
        let mut inputs = vec![Vec::new(), vec![0], vec![0xFF; 3], vec![0; 1000]];
        for length in [1, 17, 256, 4096] {
            inputs.push(noise.bytes(length));
            for magic in magics {
                inputs.push(magic.clone());
                inputs.push([&magic[..], &noise.bytes(length)].concat());
            }
        }
        for input in inputs {
            let start = &input[..input.len().min(16)];
            let given = format!("{} bytes that begin with {start:02x?}", input.len());
            if self.bears(&mut *decoder, &input, &given)? && input.is_empty() {
                return Err(Failure::new(self.config, given, "it was decoded"));
            }
        }
        Ok(())
    }

    /// Decodes bytes that may be anything; answers whether they were an image.
    fn bears(&self, decoder: &mut dyn Decode, bytes: &[u8], given: &str) -> Result<bool, Failure> {
        let Ok(header) = answered(decoder.open(bytes), self.config, given)? else { return Ok(false) };
        let request = DecodeRequest { window: Window::full(header.width, header.height), reduction: 1 };
        let limits = Limits { output: PATIENCE, ..self.subject.limits };
        Ok(answered(decoded(decoder, bytes, request, &limits), self.config, given)?.is_ok())
    }

    fn repeats(&self, sample: &Encoded) -> Result<bool, Failure> {
        let (mut one, mut other) = (self.make()?, self.make()?);
        let Some((_, first)) = self.taken(&mut *one, sample)? else { return Ok(false) };
        for (decoder, when) in [(&mut one, "again"), (&mut other, "in another instance")] {
            let again = value(self.whole(&mut **decoder, &sample.bytes), self.config, &sample.name)?;
            if again != first {
                let came = format!("{}, {when}", difference(&first.data, &again.data));
                return Err(Failure::new(self.config, &sample.name, came));
            }
        }
        Ok(true)
    }

    fn cuts(&self, sample: &Encoded) -> Result<bool, Failure> {
        let mut decoder = self.make()?;
        let Some((header, whole)) = self.taken(&mut *decoder, sample)? else { return Ok(false) };
        let mut noise = Noise::new(2);
        for turn in 0..WINDOWS {
            let side = |noise: &mut Noise, whole: u32| {
                let start = noise.below_u32(whole);
                (start, 1 + noise.below_u32(whole - start))
            };
            let ((x, width), (y, height)) = (side(&mut noise, header.width), side(&mut noise, header.height));
            let window = Window { x, y, width, height };
            let given = format!("{}, the window {window}", sample.name);
            // Every second one is asked for right after opening, so that no earlier call has prepared it.
            if turn % 2 == 1 {
                value(decoder.open(&sample.bytes), self.config, &given)?;
            }
            let request = DecodeRequest { window, reduction: 1 };
            let part = decoded(&mut *decoder, &sample.bytes, request, &self.subject.limits);
            let part = value(part, self.config, &given)?;
            let expected = whole.cut(window);
            if part != expected {
                let came =
                    format!("another part than the whole shows: {}", difference(&expected.data, &part.data));
                return Err(Failure::new(self.config, given, came));
            }
        }
        Ok(true)
    }

    /// Decodes at every reduction; answers how many there are. That the size is right is seen by the
    /// host, which takes exactly as many bytes as it calls for.
    fn reduces(&self, sample: &Encoded) -> Result<usize, Failure> {
        let mut decoder = self.make()?;
        let Some((header, _)) = self.taken(&mut *decoder, sample)? else { return Ok(0) };
        for reduction in &header.reductions {
            let (columns, rows) = (header.width, header.height);
            for window in [
                Window::full(columns, rows),
                Window { x: columns / 3, y: rows / 3, width: columns.div_ceil(2), height: rows.div_ceil(2) },
                Window { x: columns - 1, y: rows - 1, width: 1, height: 1 },
            ] {
                let request = DecodeRequest { window, reduction: *reduction };
                let given = format!("{}, the window {window} at 1/{reduction}", sample.name);
                let made = decoded(&mut *decoder, &sample.bytes, request, &self.subject.limits);
                let _ = value(made, self.config, given)?;
            }
        }
        Ok(header.reductions.len())
    }

    fn bears_cuts(&self, sample: &Encoded) -> Result<bool, Failure> {
        let length = sample.bytes.len() as u64;
        let places =
            (0..DAMAGES).map(|place| length * place / DAMAGES).chain(length.saturating_sub(4)..length);
        self.bears_all(
            sample,
            places.map(|cut| {
                let cut = usize::try_from(cut).unwrap_or_default();
                (format!("{}, cut off at byte {cut}", sample.name), sample.bytes[..cut].to_vec())
            }),
        )
    }

    fn bears_damage(&self, sample: &Encoded) -> Result<bool, Failure> {
        let mut noise = Noise::new(3);
        // An empty sample has nothing to damage, and is no sample.
        let length = sample.bytes.len() as u64;
        if length == 0 {
            return Ok(false);
        }
        self.bears_all(
            sample,
            (0..DAMAGES).map(|turn| {
                let mut bytes = sample.bytes.clone();
                // The first bytes decide most, so that every second one is hit there.
                let (at, bit) = match turn % 2 {
                    0 => (turn / 2 % length, turn / 2 % 8),
                    _ => (noise.below(length), noise.below(8)),
                };
                bytes[usize::try_from(at).unwrap_or_default()] ^= 1 << bit;
                (format!("{}, bit {bit} of byte {at} flipped", sample.name), bytes)
            }),
        )
    }

    /// Decodes damaged forms of a sample, and after each the sample itself, which must be none the worse.
    fn bears_all(
        &self,
        sample: &Encoded,
        damaged: impl Iterator<Item = (String, Vec<u8>)>,
    ) -> Result<bool, Failure> {
        let mut decoder = self.make()?;
        let Some((_, whole)) = self.taken(&mut *decoder, sample)? else { return Ok(false) };
        for (turn, (given, bytes)) in damaged.enumerate() {
            self.bears(&mut *decoder, &bytes, &given)?;
            if turn % 8 == 0 {
                let after = format!("{} after {given}", sample.name);
                let again = value(self.whole(&mut *decoder, &sample.bytes), self.config, &after)?;
                if again != whole {
                    return Err(Failure::new(self.config, after, difference(&whole.data, &again.data)));
                }
            }
        }
        Ok(true)
    }
}

/// Decodes a part of the open sample.
pub(super) fn decoded(
    decoder: &mut dyn Decode,
    bytes: &[u8],
    request: DecodeRequest,
    limits: &Limits,
) -> Result<Tensor, OperatorError> {
    let planned = decoder.plan()?;
    let channels = planned.shape.get(2).copied().flatten();
    let channels = channels.ok_or_else(|| OperatorError::Answer(format!("it plans {planned}")))?;
    let (columns, rows) = request.size();
    let extents = vec![rows, columns, channels];
    let length = zenith_core::TensorType::fixed(planned.dtype, &extents).byte_len();
    let length = length.filter(|length| *length <= limits.output);
    let length =
        length.ok_or_else(|| OperatorError::TooLarge(format!("{rows} rows of {columns} columns")))?;
    let mut data = vec![0; length];
    decoder.decode(bytes, request, &mut Output::place(&mut data))?;
    Ok(Tensor { dtype: planned.dtype, extents, data })
}
