"""Which language a page is in, and where the words come from.

The language is part of the address: the municipality's own has none, the other one is `/en/…` (or `/sv/…`). So a
page can be cached and linked, and no cookie is needed. Words are in English in the source; the Swedish ones stand
in translations/sv/LC_MESSAGES/messages.po, which is read as it is: there is nothing to compile or to forget.
"""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, request, url_for
from flask_babel import Babel, Domain, get_locale
from flask_babel import gettext as untyped_gettext

from web import house

LANGUAGES = {"sv": "Svenska", "en": "English"}
CATALOGUES = Path(__file__).parent / "translations"
OWN, OTHER = "own", "other"  # names of the two registrations of the citizens' blueprint


class _Catalogues(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    def get_translations(self) -> NullTranslations:
        language = str(get_locale())
        if language not in self.cache:
            self.cache[language] = read_catalogue(language)
        found: NullTranslations = self.cache[language]
        return found


class _Babel(Babel):  # type: ignore[misc]
    @cached_property
    def domain_instance(self) -> Domain:
        return _Catalogues()


def read_catalogue(language: str) -> NullTranslations:
    """The words of a language, straight from its .po file; English needs none."""
    path = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as po:
        write_mo(compiled, read_po(po, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def init_app(app: Flask) -> None:
    """Choose the language by the address and give the templates what they need to link between languages."""
    settings = app.extensions["laktare"].settings
    _Babel(
        app,
        default_locale=settings.site.language,
        default_timezone=settings.timezone,
        locale_selector=language,
    )
    app.context_processor(_for_templates)


def register(app: Flask, pages: Blueprint) -> None:
    """Register a blueprint once for each language."""
    other = other_language(app.extensions["laktare"].settings.site.language)
    app.register_blueprint(pages, name=OWN)
    app.register_blueprint(pages, name=OTHER, url_prefix=f"/{other}")


def other_language(own: str) -> str:
    """The language that has a prefix in the address."""
    return next(name for name in LANGUAGES if name != own)


def language() -> str:
    """The language of the present request, told by its address."""
    own = house().settings.site.language
    other = other_language(own)
    return other if request.path == f"/{other}" or request.path.startswith(f"/{other}/") else own


def page_url(page: str, **values: Any) -> str:
    """The address of one of the citizens' pages in the language of the present request."""
    name = OWN if language() == house().settings.site.language else OTHER
    return url_for(f"{name}.{page}", **values)


def gettext(message: str, **values: object) -> str:
    """`message` in the language of the present request, its %(places)s filled."""
    return str(untyped_gettext(message, **values))


def language_name(code: str) -> str:
    """What a language (BCP 47) is called in that of the present request; the code itself for one nobody has named."""
    try:
        return Locale.parse(code, sep="-").get_display_name(get_locale()) or code
    except (UnknownLocaleError, ValueError):
        return code


def path_in(wanted: str) -> str:
    """The path of the present page in another language."""
    own = house().settings.site.language
    bare = request.path if language() == own else request.path.removeprefix(f"/{language()}") or "/"
    return bare if wanted == own else f"/{wanted}{bare}"


def _for_templates() -> dict[str, Any]:
    return {
        "language": language(),
        "languages": LANGUAGES,
        "page_url": page_url,
        "path_in": path_in,
        "site": house().settings.site,
        "site_address": house().settings.address,
    }
