"""Quantities: whatever is read is printed so that it reads back the same, exactly, and in its readers' own spelling."""

from __future__ import annotations

import ipaddress
import re
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from pydantic import TypeAdapter

from components.kubernetes import NAME_LABEL, Site, labels, pod, selector
from components.prometheus.component import Prometheus, PrometheusArgs
from components.settings.prometheus import PrometheusSettings
from model.cluster import ClusterSettings
from model.quantities import Bytes, Cidr, Cpu, Duration, HostPort, Image, Quantity, Unacceptable, Url

# The same examples on every machine, none of them against the clock, and nothing left behind in the checkout: pytest
# refuses to start where there is a .hypothesis folder that norecursedirs does not name.
settings.register_profile("stack", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("stack")
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")

BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
HUNDRED_YEARS = 100 * 365 * 24 * 3600 * 1000

milliseconds = st.integers(0, HUNDRED_YEARS)
byte_counts = st.one_of(st.integers(1, 2**50).map(lambda n: n * 1024), st.integers(1, 2**50).map(lambda n: n * 1000))
millicores = st.integers(1, 10**6)
ports = st.integers(1, 65535)
word = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
names = st.builds(
    lambda parts, last: ".".join([*parts, last]),
    st.lists(word, max_size=3),
    st.from_regex("[a-z]{2,9}", fullmatch=True),
)
addresses = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda address: f"[{address}]"))
hosts = st.one_of(names, addresses)
networks = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: str(ipaddress.ip_network(pair, strict=False)))
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(lambda tag: tag != "latest")
repositories = st.builds(
    lambda registry, path: "/".join([*registry, *path]),
    st.one_of(
        st.just([]), names.map(lambda name: [name]), st.tuples(names, ports).map(lambda pair: [f"{pair[0]}:{pair[1]}"])
    ),
    st.lists(st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)?", fullmatch=True), min_size=1, max_size=3),
)
digests = st.one_of(st.just(""), st.from_regex("sha256:[0-9a-f]{64}", fullmatch=True))
urls = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
    st.sampled_from(["http", "https"]),
    hosts,
    st.one_of(st.just(""), ports.map(lambda port: f":{port}")),
    st.sampled_from(["", "/", "/api/v1/write", "/a?b=c&d=e", "/@me"]),
)
quantities: st.SearchStrategy[Quantity] = st.one_of(
    milliseconds.map(Duration),
    byte_counts.map(Bytes),
    millicores.map(Cpu),
    st.builds(lambda host, port: HostPort(host.strip("[]"), port), hosts, ports),
    st.builds(Image, repositories, tags, digests),
    networks.map(Cidr),
    urls.map(Url),
)


@given(quantities)
def test_what_is_printed_reads_back_the_same(quantity: Quantity) -> None:
    assert type(quantity).parse(str(quantity)) == quantity
    assert re.fullmatch(type(quantity).PATTERN, str(quantity)), "the JSON Schema must accept what the settings do"


@given(quantities)
def test_a_stack_file_reads_what_was_written_to_it(quantity: Quantity) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(type(quantity))
    written = yaml.safe_load(yaml.safe_dump(adapter.dump_python(quantity, mode="json")))
    assert adapter.validate_python(written) == quantity


@given(quantities)
def test_a_line_feed_or_blank_is_never_part_of_a_quantity(quantity: Quantity) -> None:
    for text in (f"{quantity}\n", f" {quantity}", f"{quantity} "):
        with pytest.raises(ValueError):  # noqa: PT011  which sentence is said is the type's own business
            type(quantity).parse(text)


@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.none())))
def test_anything_is_read_or_refused_as_a_value_error(raw: object) -> None:
    for kind in (Duration, Bytes, Cpu, HostPort, Image, Cidr, Url):
        try:
            quantity = kind.parse(raw)
        except ValueError:
            continue
        assert kind.parse(str(quantity)) == quantity, raw


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from(["w", "d", "h", "m", "s", "ms"])), unique_by=lambda part: part[1]
    )
)
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    length = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
    ordered = sorted(parts, key=lambda part: -length[part[1]])
    text = "".join(f"{count}{unit}" for count, unit in ordered)
    if text:
        assert Duration.parse(text).milliseconds == sum(count * length[unit] for count, unit in parts)


@given(milliseconds)
def test_a_duration_in_seconds_is_a_thousandth(count: int) -> None:
    assert Fraction(Duration(count).seconds).limit_denominator(1000) == Fraction(count, 1000)


@given(byte_counts)
def test_kubernetes_reads_the_same_number_of_bytes(count: int) -> None:
    number, unit = re.fullmatch(r"([0-9]+)([A-Za-z]*)", str(Bytes(count))).groups()  # type: ignore[union-attr]  # it matches
    assert int(number) * (BINARY | DECIMAL | {"": 1})[unit] == count


@given(st.one_of(byte_counts, st.integers(1, 2**60)))
def test_prometheus_reads_the_same_number_of_bytes(count: int) -> None:
    # Its units are powers of 1024 with and without the i (alecthomas/units, Base2Bytes).
    reference = {"": 1, **{f"{unit[0]}i": factor for unit, factor in BINARY.items()}}
    number, unit = re.fullmatch(r"([0-9]+)([KMGTP]i|)B", Bytes(count).prometheus).groups()  # type: ignore[union-attr]  # it matches
    assert int(number) * reference[unit] == count


@given(st.decimals(min_value="0.01", max_value="999", places=2), st.sampled_from(list(BINARY | DECIMAL)))
def test_fractions_of_a_unit_are_exact_down_to_whole_kilobytes(amount: Any, unit: str) -> None:
    smallest = 1024 if unit in BINARY else 1000
    exact = Fraction(amount) * (BINARY | DECIMAL)[unit]
    whole = int(exact // smallest) * smallest
    if whole == 0:
        with pytest.raises(ValueError):  # noqa: PT011
            Bytes.parse(f"{amount}{unit}")
    elif whole <= 2**60:
        assert Bytes.parse(f"{amount}{unit}").count == whole


@pytest.mark.parametrize(
    ("text", "count", "printed"),
    [
        ("20GiB", 20 * 2**30, "20Gi"),
        ("20Gi", 20 * 2**30, "20Gi"),
        ("20GB", 20 * 10**9, "20G"),
        ("1.5Gi", 3 * 2**29, "1536Mi"),
        ("0.1Ti", 107_374_182 * 1024, "107374182Ki"),
        ("1024Mi", 2**30, "1Gi"),
        ("1100M", 1_100_000_000, "1100M"),
    ],
)
def test_bytes_are_printed_as_people_write_them(text: str, count: int, printed: str) -> None:
    assert Bytes.parse(text).count == count
    assert str(Bytes.parse(text)) == printed


@given(millicores)
def test_a_number_of_cores_and_its_text_are_the_same_amount(count: int) -> None:
    as_number = count / 1000
    assert Cpu.parse(as_number) == Cpu.parse(str(as_number)) == Cpu.parse(f"{count}m") == Cpu(count)


def test_no_thousandth_of_a_core_is_lost_to_a_float() -> None:
    assert all(Cpu.parse(yaml.safe_load(f"{n / 1000:.3f}")) == Cpu(n) for n in range(1, 5001))


@pytest.mark.parametrize("kind", [Duration, Bytes, Cpu])
@given(one=st.integers(0, 10**18), other=st.integers(0, 10**18))
def test_the_order_of_quantities_is_the_order_of_their_numbers(kind: Any, one: int, other: int) -> None:
    assert (kind(one) < kind(other)) is (one < other)
    assert (kind(one) == kind(other)) is (one == other)


@given(hosts, ports)
def test_a_target_keeps_host_and_port(host: str, port: int) -> None:
    target = HostPort.parse(f"{host}:{port}")
    assert (target.host, target.port) == (host.strip("[]"), port)
    assert str(target) == f"{host}:{port}", "an IPv6 address is told from its port by brackets"


@given(st.sampled_from(["http", "https"]), hosts, st.one_of(st.none(), ports))
def test_a_url_knows_whom_it_reaches(scheme: str, host: str, port: int | None) -> None:
    url = Url.parse(f"{scheme}://{host}{f':{port}' if port else ''}/path")
    assert (url.scheme, url.host, url.path) == (scheme, host.strip("[]"), "/path")
    assert url.port == (port or {"http": 80, "https": 443}[scheme])


@given(word, word, hosts)
def test_credentials_in_a_url_are_refused_without_repeating_them(user: str, password: str, host: str) -> None:
    with pytest.raises(Unacceptable, match="without user and password"):
        Url.parse(f"https://{user}:{password}-x@{host}/")


@given(networks)
def test_a_range_holds_its_own_address_only_in_canonical_spelling(network: str) -> None:
    assert str(Cidr.parse(network.upper())) == network


@pytest.mark.parametrize(
    "text",
    ["prom", "prom:latest", "Prom:v1", "a//b:v1", "a/:v1", "https://a/b:v1", "a b:v1", ":v1", "a:v1@sha256:0", "a:"],
)
def test_an_image_without_a_fixed_tag_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Image.parse(text)


@given(repositories, tags, digests)
def test_a_mirror_takes_the_place_of_the_registry_only(repository: str, tag: str, digest: str) -> None:
    image = Image(repository, tag, digest)
    mirrored = image.on("mirror.example.com/all")
    assert image.on(None) == image
    assert (mirrored.tag, mirrored.digest) == (tag, digest)
    assert Image.parse(str(mirrored)) == mirrored
    assert mirrored.repository.removeprefix("mirror.example.com/all/") in (repository, repository.partition("/")[2])


@pytest.mark.parametrize(
    ("image", "mirrored"),
    [
        ("quay.io/prometheus/prometheus:v3", "mirror/prometheus/prometheus:v3"),
        ("localhost:5000/tool:v1", "mirror/tool:v1"),
        ("grafana/loki:3", "mirror/grafana/loki:3"),
        ("my.tool:v1", "mirror/my.tool:v1"),  # a dot alone is no host
    ],
)
def test_only_a_host_gives_way_to_a_mirror(image: str, mirrored: str) -> None:
    assert str(Image.parse(image).on("mirror")) == mirrored


label_names = st.one_of(
    st.sampled_from([NAME_LABEL, "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by"]),
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}/[a-z]{1,8})?", fullmatch=True),
)
user_labels = st.dictionaries(label_names, st.from_regex("[a-z0-9]{0,9}", fullmatch=True), max_size=6)


def cluster(own: dict[str, str]) -> ClusterSettings:
    given_ = {"name": "c", "environment": "dev", "context": "c", "flavour": "kind", "labels": own}
    return ClusterSettings.model_validate(given_)


@given(word, user_labels)
def test_labels_of_users_never_change_what_selectors_find(name: str, own: dict[str, str]) -> None:
    made = labels(name, cluster(own))
    assert selector(name).items() <= made.items()
    assert {label: made[label] for label in own if label not in labels(name, cluster({}))}.items() <= own.items()
    assert labels(name, cluster({})).items() <= made.items()


@given(user_labels, user_labels)
def test_labels_of_pods_never_change_what_selectors_find(own: dict[str, str], extra: dict[str, str]) -> None:
    prometheus = PrometheusSettings.model_validate({"labels": extra})
    key: Any = None  # no secret is read once
    site = Site(cluster=cluster(own), namespace="monitoring", flows=(), secrets={}, checksum_key=key)
    args = PrometheusArgs(site=site, settings=prometheus, jobs=(), groups=(), grafana=Url("http://g"))
    program = Prometheus._program(args)  # noqa: SLF001
    made: Any = pod(program, site, containers=[])
    assert selector("prometheus").items() <= made["metadata"]["labels"].items()
    assert not any("version" in label for label in selector("prometheus")), "selectors can never change"
