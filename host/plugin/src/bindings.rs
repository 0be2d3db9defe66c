//! The typed face of `wit/`, generated: one record for each of its types, one caller for each of its
//! exported interfaces. The imports are defined by hand in [`crate::imports`], because the generated
//! traits would copy every output into a `Vec` first. The unsafe code in here is wasmtime's own macro's.

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package zenith:host;

        // Every interface at once, so that they share their types; each is loaded on its own.
        world every {
            import zenith:plugin/types@0.1.0;
            import zenith:plugin/log@0.1.0;
            export zenith:plugin/decoder@0.1.0;
            export zenith:plugin/transform@0.1.0;
            export zenith:plugin/batch-transform@0.1.0;
            export zenith:plugin/sampler@0.1.0;
            export zenith:plugin/policy@0.1.0;
        }
    ",
    world: "zenith:host/every",
    ownership: Borrowing { duplicate_if_necessary: true },
    with: { "zenith:plugin/types.output": crate::lent::Destination },
});
