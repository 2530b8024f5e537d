"""The simulators that are loaded: how they were built, what they are set to, their seeds.

Nothing is imported here: a simulator that the program does not use is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import schemas
from archive.provenance.concealing import concealed
from archive.provenance.privacy import Privacy, shown

Facts = dict[str, Any]
# The module by which each is known, in the order in which they are told.
LOADED: Final = {
    "annarchy": "ANNarchy",
    "brian2": "brian2",
    "nest": "nest",
    "neuron": "neuron",
    "pynn": "pyNN",
}
# Of NEST's build, what may change results; the rest are folders and codes.
_NEST: Final = ("built", "hostcpu", "ndebug", "threads_model", "have_boost", "have_gsl")
_NEST_ALSO: Final = ("have_mpi", "have_threads", "have_hdf5", "have_sionlib", "have_music")
_ANNARCHY: Final = (
    "paradigm", "num_threads", "method", "structural_plasticity", "sparse_matrix_format",
    "sparse_matrix_storage_order", "only_int_idx_type", "disable_parallel_rng", "use_seed_seq",
    "disable_SIMD_SpMV", "disable_SIMD_Eq", "disable_split_matrix", "debug",
)  # fmt: skip


def simulators(privacy: Privacy) -> tuple[dict[str, schemas.Simulator], dict[str, str]]:
    """Those that are loaded, by name; and of which not all could be found out, and why."""
    found, missing = {}, {}
    for name, module in LOADED.items():
        loaded = sys.modules.get(module)
        if loaded is None:
            continue
        facts: Facts = {"version": _version(name, loaded), "backend": None}
        try:
            facts |= _FACTS[name](loaded)
        except Exception as error:  # of a version that is built otherwise; the run goes on
            missing[f"simulators.{name}"] = f"{type(error).__name__}: {error}"
        version, backend = facts.pop("version"), facts.pop("backend")
        build = {key: _told(one, privacy) for key, one in facts.items() if one is not None}
        found[name] = schemas.Simulator(version=version, backend=backend, build=build)
    return found, missing


def _version(name: str, loaded: Any) -> str | None:
    told = getattr(loaded, "__version__", None) or getattr(loaded, "__release__", None)
    return None if told is None else str(told)


def _told(value: Any, privacy: Privacy) -> schemas.Value:
    """A setting as a value of the contract; of what is none, how Python shows it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return concealed(shown(value, privacy))[0]
    if isinstance(value, list | tuple):
        return [_told(one, privacy) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _told(one, privacy) for name, one in value.items()}
    if callable(value):  # its address differs from process to process
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    return concealed(shown(str(value), privacy))[0]


def _annarchy(loaded: Any) -> Facts:
    settings = _annarchy_settings()
    facts = {name: settings[name] for name in _ANNARCHY if name in settings}
    kind = settings.get("dtype")
    facts["precision"] = getattr(kind, "cpp_decl_type", None)
    compiler = sys.modules.get("ANNarchy.generator.Compiler") or sys.modules.get(
        "ANNarchy.generator"
    )
    local = getattr(compiler, "local_config", None)
    if isinstance(local, Mapping):
        facts["compiler"] = local
    return {**facts, "backend": settings.get("paradigm")}


def _annarchy_settings() -> Mapping[str, Any]:
    module = sys.modules.get("ANNarchy.intern.ConfigManagement")
    if module is None:
        return {}
    settings: Mapping[str, Any] = module.ConfigManager()._config[0]
    return settings


def _brian2(loaded: Any) -> Facts:
    devices = sys.modules["brian2.devices.device"]
    device = devices.get_device()
    name = next((key for key, one in devices.all_devices.items() if one is device), None)
    settings = {
        f"{base}.{key}": loaded.prefs[f"{base}.{key}"]
        for base, (known, _) in sorted(loaded.prefs.pref_register.items())
        for key, one in sorted(known.items())
        if loaded.prefs[f"{base}.{key}"] != one.default
    }
    target = loaded.prefs["codegen.target"]
    if not isinstance(target, str):
        target = getattr(target, "class_name", None) or str(target)
    chosen = getattr(devices, "_auto_target", None)
    if target == "auto" and chosen is not None:
        target = f"auto ({chosen.class_name})"
    options = getattr(device, "build_options", None)
    return {
        "backend": name or type(device).__name__,
        "target": target,
        "preferences": settings or None,
        "build_options": options or None,
    }


def _nest(loaded: Any) -> Facts:
    status = loaded.GetKernelStatus()
    build = status.get("build_info") or {}
    return {
        "version": str(build.get("version") or _version("nest", loaded)),
        **{name: build.get(name) for name in (*_NEST, *_NEST_ALSO)},
        "threads": int(status["local_num_threads"]),
        "processes": int(status["num_processes"]),
        "rng_type": str(status["rng_type"]),
    }


def _neuron(loaded: Any) -> Facts:
    h = loaded.h
    return {
        "nrnversion": str(h.nrnversion(1)),
        "options": str(h.nrnversion(6)),
        "variable_time_step": bool(h.CVode().active()),
        "secondorder": int(h.secondorder),
        "threads": int(h.ParallelContext().nthread()),
    }


def _pynn(loaded: Any) -> Facts:
    backends = [
        name.split(".")[1]
        for name in sorted(sys.modules)
        if name.startswith("pyNN.") and name.endswith(".simulator") and name.count(".") == 2
    ]
    return {"backend": ", ".join(one for one in backends if one != "common") or None}


_FACTS: Final[dict[str, Callable[[Any], Facts]]] = {
    "annarchy": _annarchy,
    "brian2": _brian2,
    "nest": _nest,
    "neuron": _neuron,
    "pynn": _pynn,
}


def seeds() -> dict[str, schemas.Value]:
    """Seeds that simulators tell of, by their name."""
    found: dict[str, schemas.Value] = {}
    for name, module in LOADED.items():
        ask = _SEEDS.get(name)
        if ask is not None and module in sys.modules:
            try:
                told = ask(sys.modules[module])
            except Exception:  # `simulators` says what is wrong with it
                continue
            if told is not None:
                found[name] = told
    return found


def _annarchy_seeds(loaded: Any) -> schemas.Value:
    """Of the settings that all networks begin with, and of each network that has its own."""
    module = sys.modules.get("ANNarchy.intern.ConfigManagement")
    if module is None:
        return None
    settings = module.ConfigManager()._config
    told = {str(net): one.get("seed") for net, one in settings.items()}
    found: dict[str, schemas.Value] = {
        net: int(seed) for net, seed in told.items() if seed is not None
    }
    return found or None


def _brian2_seeds(loaded: Any) -> schemas.Value:
    """Those that the program of a standalone device will set; else NumPy's generator is used."""
    device = sys.modules["brian2.devices.device"].get_device()
    queue = getattr(device, "main_queue", ())
    told = [argument for what, argument, *_ in queue if what == "seed"]
    return [int(one) if one is not None else None for one in told] or None


def _nest_seeds(loaded: Any) -> schemas.Value:
    return int(loaded.GetKernelStatus("rng_seed"))


def _neuron_seeds(loaded: Any) -> schemas.Value:
    return {"Random123_globalindex": int(loaded.h.Random().Random123_globalindex())}


def _pynn_seeds(loaded: Any) -> schemas.Value:
    state = getattr(sys.modules.get("pyNN.neuron.simulator"), "state", None)
    base = getattr(state, "native_rng_baseseed", None)
    return None if base is None else {"native_rng_baseseed": int(base)}


_SEEDS: Final[dict[str, Callable[[Any], schemas.Value]]] = {
    "annarchy": _annarchy_seeds,
    "brian2": _brian2_seeds,
    "nest": _nest_seeds,
    "neuron": _neuron_seeds,
    "pynn": _pynn_seeds,
}
