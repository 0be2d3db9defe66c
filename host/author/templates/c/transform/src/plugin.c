// Solarisation: each value of an RGB image that reaches a threshold is inverted.
//
// The functions are those of `bindings/transform_plugin.h`, which `zenith plugin build` writes. What they
// are handed is theirs to free.
#include "zenith.h"

// A transform, configured.
struct exports_zenith_plugin_transform_instance_t {
    int64_t threshold; // the smallest value that is inverted
};

// Called once for each worker. An error here stops the pipeline before its first batch.
bool exports_zenith_plugin_transform_static_instance_configure(
    zenith_text_t *config, exports_zenith_plugin_transform_own_instance_t *ret, zenith_error_t *error) {
    int64_t threshold = 128;
    const zenith_key_t keys[] = {
        {"threshold", ZENITH_INTEGER, &threshold, 0, 256, "must be a whole number from 0 to 256"},
    };
    if (!zenith_read_config(config, keys, sizeof keys / sizeof *keys, error)) return false;

    exports_zenith_plugin_transform_instance_t *instance = malloc(sizeof *instance);
    if (instance == NULL) abort();
    instance->threshold = threshold;
    *ret = exports_zenith_plugin_transform_instance_new(instance);
    return true;
}

// Called when a pipeline is planned: what comes of a tensor of this type.
bool exports_zenith_plugin_transform_method_instance_plan(
    exports_zenith_plugin_transform_instance_t *self, zenith_plugin_types_tensor_type_t *input,
    exports_zenith_plugin_transform_effect_t *ret, zenith_error_t *error) {
    (void)self;
    transform_plugin_option_u32_t *shape = input->shape.ptr;
    bool taken = input->dtype == ZENITH_PLUGIN_TYPES_DTYPE_UINT8 && input->shape.len == 3 &&
                 shape[2].is_some && shape[2].val == 3;
    if (!taken) {
        zenith_plugin_types_tensor_type_free(input);
        return zenith_fail(error, ZENITH_PLUGIN_TYPES_ERROR_UNSUPPORTED_TYPE, "it takes uint8[height, width, 3]");
    }
    // The same type comes out. The seed is not used, so that the result may be kept.
    *ret = (exports_zenith_plugin_transform_effect_t){.output = *input};
    return true;
}

// Called only where the plan says `windowed`; this transform reads the whole image.
bool exports_zenith_plugin_transform_method_instance_window(
    exports_zenith_plugin_transform_instance_t *self, uint32_t width, uint32_t height, uint64_t seed,
    zenith_plugin_types_window_t *ret, zenith_error_t *error) {
    (void)self, (void)seed, (void)error;
    *ret = (zenith_plugin_types_window_t){0, 0, width, height};
    return true;
}

// Called for each sample. What the plan has promised must be written whole.
bool exports_zenith_plugin_transform_method_instance_apply(
    exports_zenith_plugin_transform_instance_t *self, zenith_plugin_types_tensor_t *input, uint64_t seed,
    zenith_plugin_types_borrow_output_t output, zenith_error_t *error) {
    (void)seed, (void)error;
    uint8_t *values = input->data.ptr; // ours, so that the work can be done in place
    // In variables of their own: the compiler makes vectors of the loop where it sees that they stay.
    size_t length = input->data.len;
    uint16_t threshold = (uint16_t)self->threshold;
    for (size_t i = 0; i < length; i++) {
        uint8_t value = values[i];
        values[i] = value >= threshold ? 255 - value : value;
    }
    zenith_write(output, values, length);
    zenith_plugin_types_tensor_free(input);
    return true;
}

void exports_zenith_plugin_transform_instance_destructor(exports_zenith_plugin_transform_instance_t *self) {
    free(self);
}
