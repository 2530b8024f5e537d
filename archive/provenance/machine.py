"""The machine: its processor and memory, what of it the process may use, and how it was set up."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from archive.provenance.concealing import concealed
from archive.provenance.privacy import Privacy, shown

# Environment variables that say how a program is computed, and tell nothing else.
VARIABLES: Final = (
    "BLIS_ARCH_TYPE", "CC", "CFLAGS", "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "CPPFLAGS",
    "CUDA_VISIBLE_DEVICES", "CXX", "CXXFLAGS", "DYLD_LIBRARY_PATH", "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
    "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LDFLAGS", "LOADEDMODULES", "MKL_CBWR",
    "NEST_DATA_PATH", "NEURONHOME", "NPY_DISABLE_CPU_FEATURES", "NRN_NMODL_PATH",
    "OMP_DYNAMIC", "OMP_PLACES", "OMP_PROC_BIND", "OMP_SCHEDULE", "OPENBLAS_CORETYPE",
    "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONPATH", "TZ", "VIRTUAL_ENV",
)  # fmt: skip
THREADS: Final = (
    "BLIS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
# What batch systems tell of a job; the second are names of computers.
JOB: Final = (
    "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_CLUSTER_NAME", "SLURM_CPUS_PER_TASK",
    "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_JOB_NUM_NODES", "SLURM_JOB_PARTITION",
    "SLURM_NTASKS", "SLURM_PROCID", "SLURM_RESTART_COUNT", "PBS_ARRAYID", "PBS_ARRAY_INDEX",
    "PBS_JOBID", "PBS_JOBNAME", "PBS_NP", "PBS_NUM_NODES", "PBS_QUEUE", "LSB_DJOB_NUMPROC",
    "LSB_JOBID", "LSB_JOBINDEX", "LSB_JOBNAME", "LSB_QUEUE",
)  # fmt: skip
JOB_HOSTS: Final = ("SLURM_JOB_NODELIST", "SLURM_SUBMIT_HOST", "PBS_O_HOST", "LSB_HOSTS")
# Sun Grid Engine and its heirs, whose names others may use, too.
GRID_ENGINE: Final = ("JOB_ID", "JOB_NAME", "NSLOTS", "QUEUE", "SGE_TASK_ID")
_TEXT_LIMIT: Final = 4096


def job(privacy: Privacy) -> dict[str, str]:
    """What the batch system says of the job that this process is of."""
    names: tuple[str, ...] = JOB if privacy == "strict" else JOB + JOB_HOSTS
    if "SGE_ROOT" in os.environ or "SGE_TASK_ID" in os.environ:
        names += GRID_ENGINE
    found = _values(names, privacy)
    if privacy == "strict" and "PBS_JOBID" in found:  # 1234.server
        found["PBS_JOBID"] = found["PBS_JOBID"].partition(".")[0]
    return found


def variables(privacy: Privacy) -> dict[str, str]:
    """The environment variables of the list that are set."""
    return _values(VARIABLES, privacy)


def _values(names: tuple[str, ...], privacy: Privacy) -> dict[str, str]:
    return {
        name: concealed(shown(os.environ[name][:_TEXT_LIMIT], privacy))[0]
        for name in names
        if os.environ.get(name)
    }


_pools: tuple[int, dict[str, str]] = (0, {})


def threads() -> dict[str, str]:
    """How many threads libraries use: what variables say, and threadpoolctl where it is loaded."""
    global _pools
    found = _values(THREADS, "normal")
    loaded = sys.modules.get("threadpoolctl")
    if loaded is not None:
        if _pools[0] != len(sys.modules):  # asking takes some milliseconds
            try:
                _pools = (len(sys.modules), dict(map(_pool, loaded.threadpool_info())))
            except Exception:  # of a version that answers otherwise
                _pools = (len(sys.modules), {})
        found |= _pools[1]
    return found


def _pool(told: Any) -> tuple[str, str]:
    return f"{told['internal_api']} {told.get('version') or ''}".strip(), str(told["num_threads"])


def cores() -> int | None:
    """How many the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or None
    return os.cpu_count()


@cache
def python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


@cache
def system() -> str:
    return platform.platform()


@cache
def processor() -> str | None:
    """The model, as the system calls it."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip().lower() in ("model name", "cpu model", "hardware"):
                    return value.strip() or None
    except OSError:
        pass
    if sys.platform == "darwin":
        import subprocess

        try:
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            told = subprocess.run(command, capture_output=True, text=True, timeout=1, check=False)
            return told.stdout.strip() or platform.processor() or None
        except (OSError, subprocess.SubprocessError):
            pass
    return platform.processor() or None


@cache
def memory() -> int | None:
    """Bytes of memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
