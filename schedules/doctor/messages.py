"""The ways out of the house: e-mail and webhook. Nothing is sent unless it is asked for."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from schedules.alarms.receivers import mail, webhook
from schedules.alarms.receivers.notice import TellError
from schedules.findings import Finding, fault, warning, well
from schedules.settings import Settings


def check_mail(settings: Settings, now: datetime, *, send: bool) -> Finding:
    """Connect, greet, encrypt and log in; with `send` also mail a letter to everybody."""
    part = "e-post"
    if not settings.mail.host:
        return warning(part, "Ingen e-postserver är inställd (mail.host), så larm mejlas inte.")
    if not settings.mail.to:
        return warning(part, "Ingen mottagare är inställd (mail.to), så larm mejlas inte.")
    try:
        if send:
            remark = mail.send(_letter(settings, now), settings.mail)
            if remark:
                return fault(part, f"{remark} Rätta mail.to.")
            return well(part, f"Ett provmejl är skickat till {', '.join(settings.mail.to)}.")
        with mail.connected(settings.mail) as server:
            server.noop()
    except TellError as error:
        return fault(part, str(error))
    return well(
        part,
        f"E-postservern {settings.mail.host} tar emot oss. Skicka ett provmejl med laktare check --send.",
    )


def _letter(settings: Settings, now: datetime) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = "Provmejl från Läktare"
    letter["From"] = mail.sender(settings.mail)
    letter["To"] = ", ".join(settings.mail.to)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = make_msgid("laktare")
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content("Det här är ett prov: så här kommer larm från Läktare. Ingenting behöver göras.")
    return letter


def check_webhook(settings: Settings, *, send: bool) -> Finding:
    """Whether the address is one; with `send` also post to it."""
    part = "webhook"
    url = settings.webhook.url.get_secret_value()
    if not url:
        return well(part, "Ingen webhook är inställd, och ingen behövs.")
    if wrong := webhook.fault(url):
        return fault(part, wrong)
    if not send:
        return well(part, "Webhookens adress ser riktig ut. Prova den med laktare check --send.")
    try:
        webhook.post({"text": "Prov från Läktare: så här kommer larm.", "occasion": "test"}, url)
    except TellError as error:
        return fault(part, str(error))
    return well(part, "Webhooken tog emot ett prov.")
