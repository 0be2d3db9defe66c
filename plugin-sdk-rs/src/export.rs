//! The one macro that turns a type into a component.

/// Makes the crate a plugin of the named kind, computed by the given type:
///
/// ```
/// # use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform};
/// # struct Invert;
/// # impl Transform for Invert {
/// #     type Config = NoConfig;
/// #     fn configure(_: NoConfig) -> Result<Self, Error> { Ok(Self) }
/// #     fn plan(&self, input: &TensorType) -> Result<Effect, Error> { Ok(Self::pure(input.clone())) }
/// #     fn apply(&mut self, _: Tensor<'_>, _: u64, _: &mut Output<'_>) -> Result<(), Error> { Ok(()) }
/// # }
/// zenith_plugin_sdk::export!(transform: Invert);
/// ```
///
/// The kinds are `transform`, `decoder`, `batch_transform`, `sampler` and `policy`; the type implements
/// the trait of that kind. A crate exports one plugin. When it is compiled for anything but WebAssembly,
/// the macro only checks that the trait is implemented, so that unit tests and native twins build
/// from the same source.
///
/// A type that does not implement its kind's trait is refused on every target:
///
/// ```compile_fail
/// struct Nothing;
/// zenith_plugin_sdk::export!(sampler: Nothing);
/// ```
#[macro_export]
macro_rules! export {
    (transform: $plugin:ty $(,)?) => {
        $crate::__export!(transform, Transform, export_transform, $plugin);
    };
    (decoder: $plugin:ty $(,)?) => {
        $crate::__export!(decoder, Decoder, export_decoder, $plugin);
    };
    (batch_transform: $plugin:ty $(,)?) => {
        $crate::__export!(batch_transform, BatchTransform, export_batch_transform, $plugin);
    };
    (sampler: $plugin:ty $(,)?) => {
        $crate::__export!(sampler, Sampler, export_sampler, $plugin);
    };
    (policy: $plugin:ty $(,)?) => {
        $crate::__export!(policy, Policy, export_policy, $plugin);
    };
}

/// What every kind has in common. Only [`export!`] calls it.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($module:ident, $interface:ident, $bind:ident, $plugin:ty) => {
        const _: () = {
            const fn implements<T: $crate::$interface>() {}
            implements::<$plugin>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type __ZenithComponent = $crate::guest::$module::Component<$plugin>;
            $crate::guest::$module::bindings::$bind!(
                __ZenithComponent with_types_in $crate::guest::$module::bindings
            );

            #[used]
            #[unsafe(link_section = "zenith:api")]
            static API: [u8; $crate::API_VERSION.len()] = $crate::guest::API_STAMP;
        };
    };
}
