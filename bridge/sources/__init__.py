"""Who sent it: a mapping's `verify:` becomes a verifier, a webhook becomes `Verified` or is refused.

`parse` reads the YAML and says every problem; `bind` adds the secrets; `Verifier.verify` proves one webhook and raises
nothing but Refused, whatever a stranger sends. Pure: no clock, no I/O, and no secret in any text.
"""

from bridge.sources.binder import bind
from bridge.sources.handshakes import Reply
from bridge.sources.parser import SCHEMES, parse
from bridge.sources.scheme import Scheme
from bridge.sources.signer import Certificate, Certificates, Lack, no_certificates
from bridge.sources.unsigned import fetched, sample
from bridge.sources.verifier import Verifier

__all__ = [
    "SCHEMES",
    "Certificate",
    "Certificates",
    "Lack",
    "Reply",
    "Scheme",
    "Verifier",
    "bind",
    "fetched",
    "no_certificates",
    "parse",
    "sample",
]
