"""Chooses the language of a mail from what a manifest and a request say; what is no language tag does not count."""

import re
from collections import Counter

from bureau.contracts.certificates import IssueCertificates
from bureau.contracts.mail.mail import LANGUAGE_PATTERN, LONGEST_LANGUAGE
from bureau.services.certificates.manifest import Listed, Manifest

_TAG = re.compile(LANGUAGE_PATTERN)


def language_of(listed: Listed, request: IssueCertificates) -> str | None:
    """Returns the language of a person's mail."""
    return listed.language if _is_tag(listed.language) else request.language


def usual_language(request: IssueCertificates, manifest: Manifest | None) -> str | None:
    """Returns the language of the mail to the owner: that of the request, else that of most certificates."""
    told = Counter(one.language for one in manifest.certificates if _is_tag(one.language)) if manifest else Counter()
    return request.language or next((language for language, _ in told.most_common(1)), None)


def _is_tag(text: str) -> bool:
    return len(text) <= LONGEST_LANGUAGE and _TAG.fullmatch(text) is not None
