"""A host with frei0r's own header loads a filter, twice at once."""

HOST = r"""
#include <dlfcn.h>
#include <frei0r.h>
#include <stdio.h>

#define LOOK_UP(name) __typeof__(&name) call_##name = (__typeof__(&name))dlsym(plugin, #name)

int main(void) {
    void *plugin = dlopen("./check.so", RTLD_NOW);
    LOOK_UP(f0r_init);
    LOOK_UP(f0r_deinit);
    LOOK_UP(f0r_get_plugin_info);
    LOOK_UP(f0r_get_param_info);
    LOOK_UP(f0r_construct);
    LOOK_UP(f0r_destruct);
    LOOK_UP(f0r_set_param_value);
    LOOK_UP(f0r_get_param_value);
    LOOK_UP(f0r_update);

    f0r_plugin_info_t info;
    f0r_param_info_t parameter;
    printf("init %d\n", call_f0r_init());
    call_f0r_get_plugin_info(&info);
    printf("%s by %s: type %d, model %d, version %d.%d, %d parameter: %s\n", info.name, info.author,
           info.plugin_type, info.color_model, info.major_version, info.minor_version,
           info.num_params, info.explanation);
    call_f0r_get_param_info(&parameter, 0);
    printf("%s, %d: %s\n", parameter.name, parameter.type, parameter.explanation);

    f0r_instance_t whole = call_f0r_construct(2, 2);
    f0r_instance_t half = call_f0r_construct(2, 2);
    double amount = 0.5;
    call_f0r_set_param_value(half, &amount, 0);
    for (int i = 0; i < 2; ++i) {
        f0r_instance_t instance = i == 0 ? whole : half;
        const uint32_t in[4] = {0xff000000, 0x80ffffff, 0x00112233, 0x01fe0080};
        uint32_t out[4];
        call_f0r_get_param_value(instance, &amount, 0);
        call_f0r_update(instance, 0.04, in, out);
        printf("%g: %08x %08x %08x %08x\n", amount, out[0], out[1], out[2], out[3]);
    }
    call_f0r_destruct(whole);
    call_f0r_destruct(half);
    call_f0r_deinit();
    return dlclose(plugin);
}
"""


def test_a_filter(compile_c, run):
    result = run(compile_c(HOST, "-ldl"))
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "init 1",
        "invert by the epy authors: type 0, model 1, version 0.9, 1 parameter: "
        "Inverts the colours, in Python",
        "amount, 1: 0: the picture as it is; 1: its negative",
        "1: ffffffff 80000000 00eeddcc 0101ff7f",
        "0.5: ff808080 80808080 00808080 01808080",
    ]
