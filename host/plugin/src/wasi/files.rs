//! Folders that a user allows a plugin to read. wasmtime's own sandbox keeps a guest inside them.
//!
//! Reading happens on the caller's thread, so that there is no other one. A file that could make it wait
//! for ever, such as a named pipe, is not opened.

use tokio::runtime::Runtime;
use wasmtime::{
    StoreContextMut,
    component::{Linker, Resource},
};
use wasmtime_wasi::{
    FsPerms, WasiCtxBuilder,
    filesystem::{Descriptor, WasiFilesystemView as _},
    p2::bindings::{
        filesystem::types::ErrorCode,
        sync::filesystem::types::{
            DescriptorFlags, DescriptorType, Host as _, HostDescriptor, OpenFlags, PathFlags,
        },
    },
};
use zenith_core::{Grant, Grants};

use super::versioned;
use crate::state::State;

/// Opens the folders that are granted, to read. Answers what runs the reading, where there are any.
pub(super) fn open(grants: &Grants, context: &mut WasiCtxBuilder) -> wasmtime::Result<Option<Runtime>> {
    context.allow_blocking_current_thread(true);
    let mut any = false;
    for grant in grants.iter() {
        if let Grant::Files { name, folder } = grant {
            any = true;
            context.preopened_dir(folder, name, FsPerms::ReadOnly).map_err(|cause| {
                wasmtime::Error::msg(format!("cannot open the folder `{name}` that it may read: {cause}"))
            })?;
        }
    }
    // Without one, wasmtime would start a runtime with threads, for the whole process.
    any.then(|| tokio::runtime::Builder::new_current_thread().build().map_err(Into::into)).transpose()
}

/// Puts a look at what a path names before every opening of it.
pub(super) fn guard(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    type Arguments = (Resource<Descriptor>, PathFlags, String, OpenFlags, DescriptorFlags);
    linker.allow_shadowing(true);
    linker.instance(&versioned("wasi:filesystem/types"))?.func_wrap(
        "[method]descriptor.open-at",
        |mut store: StoreContextMut<'_, State>, (folder, how, path, options, flags): Arguments| {
            let mut files = store.data_mut().filesystem();
            let opened =
                files.stat_at(Resource::new_borrow(folder.rep()), how, path.clone()).and_then(|found| {
                    match found.type_ {
                        DescriptorType::RegularFile
                        | DescriptorType::Directory
                        | DescriptorType::SymbolicLink => files.open_at(folder, how, path, options, flags),
                        _ => Err(ErrorCode::NotPermitted.into()),
                    }
                });
            Ok((match opened {
                Ok(descriptor) => Ok(descriptor),
                Err(error) => Err(files.convert_error_code(error)?),
            },))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}
