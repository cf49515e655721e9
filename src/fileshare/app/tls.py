"""TLS for both doors from one certificate setting."""

import ssl
from pathlib import Path

from fileshare.errors import BadRequest


def tls_context(
    certificate: Path | None, key: Path | None, *, protocols: tuple[str, ...] = ()
) -> ssl.SSLContext | None:
    """A server's context, None without a certificate. `protocols` are offered by ALPN.

    Raises BadRequest with one sentence when the files can't be used.
    """
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    try:
        # An encrypted key would ask for its password on the terminal: refuse it instead.
        context.load_cert_chain(certificate, key, password=_no_password)
    except FileNotFoundError:
        missing = next(path for path in (certificate, key) if path is not None and not path.exists())
        raise BadRequest(f"The TLS file {missing} is not there: see tls_cert and tls_key.") from None
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError whose first lines name a place in OpenSSL's source.
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise BadRequest(
            f"The TLS certificate {certificate} can't be used with the key {key or certificate}: {reason}."
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted, and a service has nobody to ask for its password")
