//! Plugins in plain Rust, made of closures, so that each can break one promise.

use zenith_core::{
    Decision, Decode, DecodeRequest, Digest, Effect, Engine, Format, Header, Identity, Kind, Limits,
    OperatorError, Output, Plugin, PluginStats, Policy, Population, Round, Sampler, TensorType, TensorView,
    Transform, Window,
};

/// Makes an operator from a configuration.
type Make<T> = Box<dyn Fn(&str) -> Result<Box<T>, OperatorError> + Send + Sync>;

pub(super) enum Fake {
    Transform(Make<dyn Transform>),
    Decoder(Make<dyn Decode>),
    Sampler(Make<dyn Sampler>),
    Policy(Make<dyn Policy>),
}

/// A fake whose operators take no configuration.
pub(super) fn strict<T: ?Sized>(make: impl Fn() -> Box<T> + Send + Sync + 'static) -> Make<T> {
    Box::new(move |config| match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(config) {
        Ok(table) => match table.keys().next() {
            None => Ok(make()),
            Some(key) => Err(OperatorError::Config { key: key.clone(), reason: "is not known".into() }),
        },
        Err(error) => Err(OperatorError::Config { key: String::new(), reason: error.to_string() }),
    })
}

impl Plugin for Fake {
    fn identity(&self) -> &Identity {
        static IDENTITY: std::sync::OnceLock<Identity> = std::sync::OnceLock::new();
        IDENTITY.get_or_init(|| Identity {
            name: "acme:fake".parse().unwrap(),
            version: "1.0.0".into(),
            digest: Digest::from_bytes([0; 32]),
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Transform(_) => Kind::Transform,
            Self::Decoder(_) => Kind::Decoder,
            Self::Sampler(_) => Kind::Sampler,
            Self::Policy(_) => Kind::Policy,
        }
    }

    fn engine(&self) -> Engine {
        Engine::Wasm
    }

    fn stats(&self) -> PluginStats {
        PluginStats::default()
    }

    fn transform(&self, config: &str, _: &Limits) -> Result<Box<dyn Transform>, OperatorError> {
        let Self::Transform(make) = self else { return Err(self.wrong_kind(Kind::Transform)) };
        make(config)
    }

    fn decoder(&self, config: &str, _: &Limits) -> Result<Box<dyn Decode>, OperatorError> {
        let Self::Decoder(make) = self else { return Err(self.wrong_kind(Kind::Decoder)) };
        make(config)
    }

    fn sampler(&self, config: &str, _: &Limits) -> Result<Box<dyn Sampler>, OperatorError> {
        let Self::Sampler(make) = self else { return Err(self.wrong_kind(Kind::Sampler)) };
        make(config)
    }

    fn policy(&self, config: &str, _: &Limits) -> Result<Box<dyn Policy>, OperatorError> {
        let Self::Policy(make) = self else { return Err(self.wrong_kind(Kind::Policy)) };
        make(config)
    }
}

/// What became of one call of a fake transform.
pub(super) type Applied = Result<Vec<u8>, OperatorError>;

/// A transform of the same type out as in, that does `apply` with the number of the call, the input and
/// the seed.
pub(super) struct FakeTransform {
    pub(super) calls: u64,
    pub(super) seeded: bool,
    pub(super) plan: fn(&TensorType) -> TensorType,
    pub(super) apply: fn(u64, &[u8], &[u32], u64) -> Applied,
}

impl Default for FakeTransform {
    fn default() -> Self {
        Self { calls: 0, seeded: false, plan: Clone::clone, apply: |_, data, _, _| Ok(data.to_vec()) }
    }
}

impl Transform for FakeTransform {
    fn plan(&mut self, input: &TensorType) -> Result<Effect, OperatorError> {
        let output = (self.plan)(input);
        Ok(Effect { output, seeded: self.seeded, windowed: false, crop_only: false, reducible: false })
    }

    fn window(&mut self, width: u32, height: u32, _: u64) -> Result<Window, OperatorError> {
        Ok(Window::full(width, height))
    }

    fn apply(
        &mut self,
        input: TensorView<'_>,
        seed: u64,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        self.calls += 1;
        output.write(&(self.apply)(self.calls, input.data(), input.extents(), seed)?);
        Ok(output.finish()?)
    }
}

/// A decoder of a format of two bytes, width and height, and a byte for each pixel; it may forget to look
/// at the window, and may trap on what is cut short.
#[derive(Default)]
pub(super) struct FakeDecoder {
    pub(super) ignores_the_window: bool,
    pub(super) traps_when_cut: bool,
}

impl Decode for FakeDecoder {
    fn formats(&mut self) -> Result<Vec<Format>, OperatorError> {
        Ok(vec![Format { media_type: "image/x-fake".into(), extensions: vec![], magic: vec![9, 7] }])
    }

    fn plan(&mut self) -> Result<TensorType, OperatorError> {
        Ok(TensorType {
            dtype: zenith_core::DType::Uint8,
            shape: [None, None, Some(1)].into_iter().collect(),
        })
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, OperatorError> {
        match *data {
            [width, height, ref pixels @ ..]
                if !pixels.is_empty() && pixels.len() == usize::from(width) * usize::from(height) =>
            {
                let (width, height) = (width.into(), height.into());
                Ok(Header { width, height, orientation: 1, reductions: vec![] })
            }
            _ if self.traps_when_cut && data.len() > 40 => {
                Err(OperatorError::Trap { reason: "index out of bounds".into(), backtrace: String::new() })
            }
            _ => Err(OperatorError::InvalidData("it ends early".into())),
        }
    }

    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        let (width, window) = (usize::from(data[0]), request.window);
        let (x, y) = if self.ignores_the_window { (0, 0) } else { (window.x as usize, window.y as usize) };
        for row in y..y + window.height as usize {
            let start = 2 + row * width + x;
            output.write(&data[start..start + window.width as usize]);
        }
        Ok(output.finish()?)
    }
}

/// A sampler in order; it may forget where it stands.
#[derive(Default)]
pub(super) struct FakeSampler {
    forgets: bool,
    announces_more: bool,
    length: u64,
    next: u64,
}

impl FakeSampler {
    pub(super) fn that_forgets() -> Self {
        Self { forgets: true, ..Self::default() }
    }

    pub(super) fn that_announces_more() -> Self {
        Self { announces_more: true, ..Self::default() }
    }
}

impl Sampler for FakeSampler {
    fn start(&mut self, population: Population) -> Result<u64, OperatorError> {
        let rank = u64::from(population.rank);
        let world = u64::from(population.world_size);
        (self.next, self.length) = (0, (population.length + world - 1 - rank) / world);
        Ok(self.length + u64::from(self.announces_more))
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), OperatorError> {
        let end = self.length.min(self.next + u64::from(limit));
        run.extend(self.next..end);
        self.next = end;
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, OperatorError> {
        Ok(if self.forgets { 0 } else { self.next }.to_le_bytes().to_vec())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError> {
        let wrong = |_| OperatorError::InvalidState("it is not eight bytes".into());
        let next = u64::from_le_bytes(state.try_into().map_err(wrong)?);
        if next > self.length {
            return Err(OperatorError::InvalidState("it is past the end".into()));
        }
        self.next = next;
        Ok(())
    }
}

/// A policy that places nothing; in every tenth round it may say so in another way than before.
#[derive(Default)]
pub(super) struct FakePolicy {
    pub(super) differs: bool,
    pub(super) traps_on_states: bool,
}

impl Policy for FakePolicy {
    fn decide(&mut self, round: &Round) -> Result<Decision, OperatorError> {
        static TURN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let turn = TURN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut decision = Decision::default();
        if let (true, Some(job)) = (self.differs, round.waiting.id.first()) {
            decision.reasons.push(zenith_core::Reason { job: *job, text: turn.to_string() });
        }
        Ok(decision)
    }

    fn save(&mut self) -> Result<Vec<u8>, OperatorError> {
        Ok(vec![1])
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError> {
        match state {
            [1] => Ok(()),
            _ if self.traps_on_states => {
                Err(OperatorError::Trap { reason: "it aborted".into(), backtrace: String::new() })
            }
            _ => Err(OperatorError::InvalidState("it is another's".into())),
        }
    }
}
