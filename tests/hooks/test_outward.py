"""Where webhooks may go: nowhere near the machines that the service runs beside."""

from __future__ import annotations

import pytest

from service.outward import Refused, check_url, may_go_to

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
PRIVATE = ["10.0.0.1", "172.16.5.5", "192.168.1.1", "127.0.0.1", "127.9.9.9", "::1", "fd12::1", "::ffff:10.0.0.1"]
NEVER = [
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "168.63.129.16",
    "100.100.100.200",
    "fd00:ec2::254",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::ffff:169.254.169.254",
    "nonsense",
    "",
]
ONLY_PUBLICLY_REFUSED = [
    "100.64.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
    "fec0::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert may_go_to(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_pass_only_where_allowed(address: str) -> None:
    assert not may_go_to(address, allow_private=False)
    assert may_go_to(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_link_local_never_pass(address: str) -> None:
    assert not may_go_to(address, allow_private=False)
    assert not may_go_to(address, allow_private=True)


@pytest.mark.parametrize("address", ONLY_PUBLICLY_REFUSED)
def test_special_ranges_are_not_public(address: str) -> None:
    assert not may_go_to(address, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://clinic.example/hooks",
        "https://clinic.example:8443/h?tenant=1",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ],
)
def test_good_urls(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://clinic.example/",
        "ftp://clinic.example/",
        "https://",
        "https:///x",
        "clinic.example",
        "",
        "https://u:p@clinic.example/",
        "https://u@clinic.example/",
        "https://clinic.example/#x",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://localhost./",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/",
        "https://a b.example/",
        "https://clinic.example:0/",
        "https://clinic.example:99999/",
        "https://[::ffff:10.0.0.1]/",
        "https://exämple.org/",
        "https://a.example\\@b.example/",
        "https://a.example/\r\nX: y",
        "http://127.0.0.1/",
        "https://[nonsense/",
    ],
)
def test_bad_urls(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://127.0.0.1:5000/", True),
        ("http://localhost:5000/", True),
        ("http://[::1]:5000/", True),
        ("https://10.0.0.1/", True),
        ("http://10.0.0.1/", False),
        ("http://clinic.example/", False),
        ("https://169.254.169.254/", False),
    ],
)
def test_where_private_addresses_are_allowed(url: str, good: bool) -> None:
    """Without TLS only to this machine."""
    if good:
        check_url(url, allow_private=True)
    else:
        with pytest.raises(Refused):
            check_url(url, allow_private=True)
