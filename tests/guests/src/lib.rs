//! What the guests share. Each guest is named after its case and misbehaves in one way only; the host
//! tests of the same names say what must come of it.

#![forbid(unsafe_code)]

/// Guests misbehave for this seed and are well for every other, so that a test can see that the next
/// sample is none the worse.
pub const BAD_SEED: u64 = 666;

/// Makes a transform whose answer is what it saw of the world: eight bytes, made by a function of the
/// seed. The guests for WASI are made of it.
#[macro_export]
macro_rules! observer {
    ($observe:expr) => {
        struct Guest;

        impl zenith_plugin_sdk::Transform for Guest {
            type Config = zenith_plugin_sdk::NoConfig;

            fn configure(_: Self::Config) -> Result<Self, zenith_plugin_sdk::Error> {
                Ok(Self)
            }

            fn plan(
                &self,
                input: &zenith_plugin_sdk::TensorType,
            ) -> Result<zenith_plugin_sdk::Effect, zenith_plugin_sdk::Error> {
                Ok(Self::pure(input.clone()))
            }

            fn apply(
                &mut self,
                _: zenith_plugin_sdk::Tensor<'_>,
                seed: u64,
                output: &mut zenith_plugin_sdk::Output<'_>,
            ) -> Result<(), zenith_plugin_sdk::Error> {
                let seen: [u8; 8] = $observe(seed);
                output.write(&seen);
                Ok(())
            }
        }

        zenith_plugin_sdk::export!(transform: Guest);
    };
}
