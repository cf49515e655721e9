"""The TLS context that both doors get, and the files that it refuses."""

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from fileshare.app.tls import tls_context
from fileshare.errors import BadRequest


@pytest.fixture(scope="module")
def issued() -> trustme.LeafCert:
    return trustme.CA().issue_cert("127.0.0.1")


@pytest.fixture
def certificate(issued: trustme.LeafCert, tmp_path: Path) -> Path:
    path = tmp_path / "cert.pem"
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(path), append=True)
    return path


def written(folder: Path, key: bytes) -> Path:
    path = folder / "key.pem"
    path.write_bytes(key)
    return path


def test_no_certificate_is_no_tls() -> None:
    assert tls_context(None, None) is None


def test_old_tls_is_not_spoken(issued: trustme.LeafCert, certificate: Path, tmp_path: Path) -> None:
    context = tls_context(certificate, written(tmp_path, issued.private_key_pem.bytes()))
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_key_of_another_certificate_is_refused(certificate: Path, tmp_path: Path) -> None:
    other = trustme.CA().issue_cert("127.0.0.1").private_key_pem.bytes()
    with pytest.raises(BadRequest, match=r"can't be used with the key .*MISMATCH"):
        tls_context(certificate, written(tmp_path, other))


def test_encrypted_key_is_refused_without_asking_the_terminal(
    issued: trustme.LeafCert, certificate: Path, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    with pytest.raises(BadRequest, match="the key is encrypted"):
        tls_context(certificate, written(tmp_path, locked))


def test_missing_key_and_nonsense_are_refused(certificate: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"no\.pem is not there"):
        tls_context(certificate, tmp_path / "no.pem")
    with pytest.raises(BadRequest, match="can't be used"):
        tls_context(certificate, written(tmp_path, b"nonsense"))
