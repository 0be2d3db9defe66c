//! The native twins: first-party plugins' own code, behind the same traits as their components.
//!
//! A twin is the SDK's trait implementation compiled natively; nothing here computes a pixel. Which
//! plugins have one is listed in [`TABLE`].

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use zenith_core::{
    Decode, DecodeRequest, Effect, Engine, Format, Header, Identity, Kind, Limits, OperatorError, Output,
    Plugin, PluginStats, Population, Sampler, TensorType, TensorView, Transform, Window,
};
use zenith_plugin_sdk as sdk;

/// Makes one kind of operator from its configuration.
enum Make {
    Decoder(fn(&str) -> Result<Box<dyn Decode>, OperatorError>),
    Transform(fn(&str) -> Result<Box<dyn Transform>, OperatorError>),
    Sampler(fn(&str) -> Result<Box<dyn Sampler>, OperatorError>),
}

/// One twin: the name of the package that it equals, and how to make it.
struct Twin {
    name: &'static str,
    make: Make,
}

const fn decoder<T: sdk::Decoder>(name: &'static str) -> Twin {
    Twin {
        name,
        make: Make::Decoder(|config| Ok(Box::new(NativeDecoder(T::configure(sdk::parse_config(config)?)?)))),
    }
}

const fn transform<T: sdk::Transform>(name: &'static str) -> Twin {
    Twin {
        name,
        make: Make::Transform(|config| {
            Ok(Box::new(NativeTransform(T::configure(sdk::parse_config(config)?)?)))
        }),
    }
}

const fn sampler<T: sdk::Sampler>(name: &'static str) -> Twin {
    Twin {
        name,
        make: Make::Sampler(|config| Ok(Box::new(NativeSampler(T::configure(sdk::parse_config(config)?)?)))),
    }
}

/// Every twin that this binary carries.
static TABLE: [Twin; 13] = [
    decoder::<zenith_jpeg::Jpeg>("zenith:jpeg"),
    decoder::<zenith_png::Png>("zenith:png"),
    transform::<zenith_resize::Resize>("zenith:resize"),
    transform::<zenith_center_crop::CenterCrop>("zenith:center-crop"),
    transform::<zenith_random_crop::RandomCrop>("zenith:random-crop"),
    transform::<zenith_random_resized_crop::RandomResizedCrop>("zenith:random-resized-crop"),
    transform::<zenith_horizontal_flip::HorizontalFlip>("zenith:horizontal-flip"),
    transform::<zenith_color_jitter::ColorJitter>("zenith:color-jitter"),
    transform::<zenith_normalize::Normalize>("zenith:normalize"),
    transform::<zenith_to_float::ToFloat>("zenith:to-float"),
    sampler::<zenith_sequential::Sequential>("zenith:sequential"),
    sampler::<zenith_shuffle::Shuffle>("zenith:shuffle"),
    sampler::<zenith_weighted::Weighted>("zenith:weighted"),
];

/// The twin of a package, if this binary carries it. The caller has made sure that the package's
/// digest is that of the component built from the same source.
pub(crate) fn of(identity: &Identity) -> Option<Arc<dyn Plugin>> {
    let twin = TABLE.iter().find(|twin| twin.name == identity.name.as_str())?;
    Some(Arc::new(NativePlugin { identity: identity.clone(), twin, instances: AtomicU64::new(0) }))
}

struct NativePlugin {
    identity: Identity,
    twin: &'static Twin,
    instances: AtomicU64,
}

impl Plugin for NativePlugin {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn kind(&self) -> Kind {
        match self.twin.make {
            Make::Decoder(_) => Kind::Decoder,
            Make::Transform(_) => Kind::Transform,
            Make::Sampler(_) => Kind::Sampler,
        }
    }

    fn engine(&self) -> Engine {
        Engine::Native
    }

    fn stats(&self) -> PluginStats {
        PluginStats { instances: self.instances.load(Relaxed), ..PluginStats::default() }
    }

    fn decoder(&self, config: &str, _: &Limits) -> Result<Box<dyn Decode>, OperatorError> {
        let Make::Decoder(make) = self.twin.make else { return Err(self.wrong_kind(Kind::Decoder)) };
        self.instances.fetch_add(1, Relaxed);
        make(config)
    }

    fn transform(&self, config: &str, _: &Limits) -> Result<Box<dyn Transform>, OperatorError> {
        let Make::Transform(make) = self.twin.make else { return Err(self.wrong_kind(Kind::Transform)) };
        self.instances.fetch_add(1, Relaxed);
        make(config)
    }

    fn sampler(&self, config: &str, _: &Limits) -> Result<Box<dyn Sampler>, OperatorError> {
        let Make::Sampler(make) = self.twin.make else { return Err(self.wrong_kind(Kind::Sampler)) };
        self.instances.fetch_add(1, Relaxed);
        make(config)
    }
}

struct NativeDecoder<T>(T);

impl<T: sdk::Decoder> Decode for NativeDecoder<T> {
    fn formats(&mut self) -> Result<Vec<Format>, OperatorError> {
        Ok(self.0.formats())
    }

    fn plan(&mut self) -> Result<TensorType, OperatorError> {
        Ok(self.0.plan())
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, OperatorError> {
        Ok(self.0.open(data)?)
    }

    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        lend(output, |output| self.0.decode(data, request, output))
    }
}

struct NativeTransform<T>(T);

impl<T: sdk::Transform> Transform for NativeTransform<T> {
    fn plan(&mut self, input: &TensorType) -> Result<Effect, OperatorError> {
        Ok(self.0.plan(input)?)
    }

    fn window(&mut self, width: u32, height: u32, seed: u64) -> Result<Window, OperatorError> {
        Ok(self.0.window(width, height, seed)?)
    }

    fn apply(
        &mut self,
        input: TensorView<'_>,
        seed: u64,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        lend(output, |output| self.0.apply(input, seed, output))
    }
}

struct NativeSampler<T>(T);

impl<T: sdk::Sampler> Sampler for NativeSampler<T> {
    fn start(&mut self, population: Population) -> Result<u64, OperatorError> {
        Ok(self.0.start(population)?)
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), OperatorError> {
        Ok(self.0.next(limit, run)?)
    }

    fn save(&mut self) -> Result<Vec<u8>, OperatorError> {
        Ok(self.0.save())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError> {
        Ok(self.0.restore(state)?)
    }
}

/// Lends the host's place to a twin for one call.
fn lend(
    output: &mut Output<'_>,
    call: impl FnOnce(&mut sdk::Output<'_>) -> Result<(), sdk::Error>,
) -> Result<(), OperatorError> {
    let place = std::mem::replace(output, Output::place(&mut []));
    let mut lent = sdk::Output::new(place);
    let result = call(&mut lent);
    *output = lent.into_inner();
    Ok(result?)
}
