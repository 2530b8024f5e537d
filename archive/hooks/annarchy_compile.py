"""Compile an ANNarchy 5 network so that its snapshots have all that it computes with.

ANNarchy's own save and load lose refractoriness, spikes and rates on their way, the times of last
events that event-driven synapses count from, and random generators: its C++ code has them, but
offers Python no way to them. Here that way is added to the generated wrapper, so that a network
that is restored goes on as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archive.errors import FormatError

MODULE = "NB_MODULE("
OF_POPULATIONS = (
    "spiked",
    "last_spike",
    "refractory_remaining",
    "in_ref",
    "_delayed_spike",
    "_spike_history",
    "_t",
    "_block",
    "next_spike",
    "idx_next_spike",
)
OF_PROJECTIONS = ("_last_event", "_delayed_spikes", "idx_delay")

# How what C++ has becomes what Python can hold: queues are lists, a generator is its state as text.
FORMS = """
#include <deque>
#include <queue>
#include <random>
#include <sstream>
#include <type_traits>
#include <utility>

namespace neuroarchive {

template <class T> struct Form {
    using Type = T;
    static Type get(const T& held) { return held; }
    static void set(T& held, const Type& value) { held = value; }
};
template <> struct Form<std::mt19937> {
    using Type = std::string;
    static Type get(const std::mt19937& held) {
        std::ostringstream text;
        text << held;
        return text.str();
    }
    static void set(std::mt19937& held, const Type& value) { std::istringstream(value) >> held; }
};
template <class T> struct ListForm {
    using Inner = typename T::value_type;
    using Type = std::vector<typename Form<Inner>::Type>;
    static Type get(const T& held) {
        Type values;
        for (const Inner& each : held) values.push_back(Form<Inner>::get(each));
        return values;
    }
    static void set(T& held, const Type& values) {
        held.clear();
        for (const auto& value : values) {
            Inner each{};
            Form<Inner>::set(each, value);
            held.push_back(each);
        }
    }
};
template <class T> struct Form<std::vector<T>> : ListForm<std::vector<T>> {};
template <class T> struct Form<std::deque<T>> : ListForm<std::deque<T>> {};
template <class T> struct Form<std::queue<T>> {
    using Type = std::vector<typename Form<T>::Type>;
    static Type get(std::queue<T> held) {
        Type values;
        for (; !held.empty(); held.pop()) values.push_back(Form<T>::get(held.front()));
        return values;
    }
    static void set(std::queue<T>& held, const Type& values) {
        held = std::queue<T>();
        for (const auto& value : values) {
            T each{};
            Form<T>::set(each, value);
            held.push(each);
        }
    }
};
"""
MEMBER = """
template <class S, class = void> struct Offer%(name)s {
    static void offer(nanobind::module_&, std::vector<std::string>&) {}
};
template <class S> struct Offer%(name)s<S, std::void_t<decltype(std::declval<S&>().%(name)s)>> {
    using Kind = Form<std::decay_t<decltype(std::declval<S&>().%(name)s)>>;
    static void offer(nanobind::module_& m, std::vector<std::string>& names) {
        names.push_back("%(name)s");
        m.def("neuroarchive_get_%(name)s", [](S& of) { return Kind::get(of.%(name)s); });
        m.def("neuroarchive_set_%(name)s",
              [](S& of, typename Kind::Type value) { Kind::set(of.%(name)s, value); });
    }
};
"""
OFFER = """
template <class S> void offer(nanobind::module_& m) {
    std::vector<std::string> names;
%(offers)s
    m.def("neuroarchive_members", [names](S&) { return names; });
}

}  // namespace neuroarchive

"""
GENERATORS = """
    m.def("neuroarchive_get_rng", []() { return neuroarchive::Form<decltype(rng)>::get(rng); });
    m.def("neuroarchive_set_rng",
          [](neuroarchive::Form<decltype(rng)>::Type states) {
              neuroarchive::Form<decltype(rng)>::set(rng, states);
          });
"""


def compile(network: Any, **options: Any) -> None:
    """Call ``network.compile(**options)``, and let the compiled network show all that it holds.

    Snapshots of it, restored into a network that was compiled in the same way, continue exactly:
    with refractoriness, delays, event-driven synapses and random numbers. Raises FormatError if
    this version of ANNarchy writes its wrapper otherwise.
    """
    with _showing_all():
        network.compile(**options)


@contextmanager
def _showing_all() -> Iterator[None]:
    """Within, what ANNarchy compiles shows all."""
    from ANNarchy.generator.NanoBind.Generator import NanoBindGenerator

    as_it_was = NanoBindGenerator.generate

    def generate(generator: Any) -> str:
        return opened(as_it_was(generator), generator.network)

    NanoBindGenerator.generate = generate
    try:
        yield
    finally:
        NanoBindGenerator.generate = as_it_was


def opened(wrapper: str, network: Any) -> str:
    """The C++ text of a network's wrapper, with functions for what it does not show."""
    before, module, inside = wrapper.partition(MODULE)
    body, brace, after = inside.rpartition("}")
    if not module or not brace or "class_<PopStruct" not in body:
        raise FormatError(
            "this version of ANNarchy writes its wrapper otherwise",
            hint="compile with network.compile(); the report of a restore says what is lost",
        )
    populations, projections = network.get_populations(), network.get_projections()
    delayed = {f"_delayed_{name}" for each in populations for name in each.delayed_variables}
    names = (*OF_POPULATIONS, *OF_PROJECTIONS, *sorted(delayed))
    offers = "\n".join(f"    Offer{name}<S>::offer(m, names);" for name in names)
    structures = [f"PopStruct{each.id}" for each in populations]
    structures += [f"ProjStruct{each.id}" for each in projections]
    return "".join(
        (
            before,
            FORMS,
            *(MEMBER % {"name": name} for name in names),
            OFFER % {"offers": offers},
            MODULE,
            body,
            *(f"    neuroarchive::offer<{structure}>(m);\n" for structure in structures),
            GENERATORS,
            "}",
            after,
        )
    )
