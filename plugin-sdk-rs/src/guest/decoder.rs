//! From the generated trait of the decoder's world to [`Decoder`].

use std::{cell::RefCell, marker::PhantomData};

use zenith_core::DecodeRequest;

use self::bindings::exports::zenith::plugin::decoder::{self as abi, Guest, GuestInstance};
use super::{OutputHandle, panic::report_panics, types};
use crate::{config::parse_config, output::Output, traits::Decoder};

/// What `wit-bindgen` generates for the world `decoder-plugin`.
#[doc(hidden)]
#[expect(clippy::same_length_and_capacity, reason = "generated: lists of the canonical ABI are that full")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "decoder-plugin",
        path: "../wit",
        with: {
            "zenith:plugin/types@0.1.0": crate::guest::types,
            "zenith:plugin/log@0.1.0": crate::guest::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_decoder",
    });
}

/// The component of a decoder.
pub struct Component<T>(PhantomData<T>);

/// One configured decoder, with the sample that is open.
pub struct Instance<T>(RefCell<Opened<T>>);

struct Opened<T> {
    decoder: T,
    /// The sample as it was handed over, kept for `decode`: it is copied once, into the guest.
    data: Vec<u8>,
}

impl<T: Decoder> Guest for Component<T> {
    type Instance = Instance<T>;
}

impl<T: Decoder> GuestInstance for Instance<T> {
    fn configure(config: String) -> Result<abi::Instance, types::Error> {
        report_panics();
        let decoder = T::configure(parse_config(&config)?)?;
        Ok(abi::Instance::new(Self(RefCell::new(Opened { decoder, data: Vec::new() }))))
    }

    fn formats(&self) -> Vec<abi::Format> {
        let formats = self.0.borrow().decoder.formats();
        formats
            .into_iter()
            .map(|format| abi::Format {
                media_type: format.media_type,
                extensions: format.extensions,
                magic: format.magic,
            })
            .collect()
    }

    fn plan(&self) -> Result<types::TensorType, types::Error> {
        Ok(self.0.borrow().decoder.plan().into())
    }

    fn open(&self, data: Vec<u8>) -> Result<abi::Header, types::Error> {
        let mut opened = self.0.borrow_mut();
        let Opened { decoder, data: kept } = &mut *opened;
        *kept = data;
        let header = decoder.open(kept)?;
        Ok(abi::Header {
            width: header.width,
            height: header.height,
            orientation: header.orientation,
            reductions: header.reductions,
        })
    }

    fn decode(&self, request: abi::Request, output: &types::Output) -> Result<(), types::Error> {
        let mut opened = self.0.borrow_mut();
        let Opened { decoder, data } = &mut *opened;
        let request = DecodeRequest { window: request.window.into(), reduction: request.reduction };
        let mut output = Output::new(OutputHandle::Only(output));
        Ok(decoder.decode(data, request, &mut output)?)
    }
}
