//! Solarisation: each value of an RGB image that reaches a threshold is inverted.
//!
//! The functions are those of `bindings/transform_plugin.h`, which `zenith plugin build` writes and
//! translates. What they are handed is theirs to free.

const std = @import("std");
const c = @import("bindings");
const zenith = @import("zenith.zig");

/// Zig's own would print to a console, which a plugin has not.
pub const panic = std.debug.FullPanic(zenith.panicked);

/// The configuration, with what holds where a key is left out. An unknown key is refused.
const Config = struct {
    /// The smallest value that is inverted, from 0 to 256.
    threshold: u16 = 128,
};

/// The bindings know a configured transform as a pointer to something that is ours to say.
const Handle = *c.exports_zenith_plugin_transform_instance_t;

fn configOf(self: Handle) *Config {
    return @ptrCast(@alignCast(self));
}

/// Called once for each worker. An error here stops the pipeline before its first batch.
export fn exports_zenith_plugin_transform_static_instance_configure(
    text: *zenith.Text,
    ret: *c.exports_zenith_plugin_transform_own_instance_t,
    err: *zenith.Error,
) bool {
    const config = zenith.readConfig(Config, text, err) orelse return false;
    if (config.threshold > 256) {
        return zenith.refuse(err, "threshold", "must be from 0 to 256, but is {}", .{config.threshold});
    }
    const instance = zenith.allocator.create(Config) catch @panic("out of memory");
    instance.* = config;
    ret.* = c.exports_zenith_plugin_transform_instance_new(@ptrCast(instance));
    return true;
}

/// Called when a pipeline is planned: what comes of a tensor of this type.
export fn exports_zenith_plugin_transform_method_instance_plan(
    _: Handle,
    input: *c.zenith_plugin_types_tensor_type_t,
    ret: *c.exports_zenith_plugin_transform_effect_t,
    err: *zenith.Error,
) bool {
    const shape = input.shape.ptr[0..input.shape.len];
    if (input.dtype != c.ZENITH_PLUGIN_TYPES_DTYPE_UINT8 or shape.len != 3 or !shape[2].is_some or shape[2].val != 3) {
        c.zenith_plugin_types_tensor_type_free(input);
        return zenith.fail(err, c.ZENITH_PLUGIN_TYPES_ERROR_UNSUPPORTED_TYPE, "it takes uint8[height, width, 3]");
    }
    // The same type comes out. The seed is not used, so that the result may be kept.
    ret.* = .{ .output = input.* };
    return true;
}

/// Called only where the plan says `windowed`; this transform reads the whole image.
export fn exports_zenith_plugin_transform_method_instance_window(
    _: Handle,
    width: u32,
    height: u32,
    _: u64,
    ret: *c.zenith_plugin_types_window_t,
    _: *zenith.Error,
) bool {
    ret.* = .{ .x = 0, .y = 0, .width = width, .height = height };
    return true;
}

/// Called for each sample. What the plan has promised must be written whole.
export fn exports_zenith_plugin_transform_method_instance_apply(
    self: Handle,
    input: *c.zenith_plugin_types_tensor_t,
    _: u64,
    output: c.zenith_plugin_types_borrow_output_t,
    _: *zenith.Error,
) bool {
    const threshold = configOf(self).threshold;
    const values = input.data.ptr[0..input.data.len]; // ours, so that the work can be done in place
    for (values) |*value| {
        value.* = if (value.* >= threshold) 255 - value.* else value.*;
    }
    zenith.write(output, values);
    c.zenith_plugin_types_tensor_free(input);
    return true;
}

export fn exports_zenith_plugin_transform_instance_destructor(self: Handle) void {
    zenith.allocator.destroy(configOf(self));
}
