"""Tells people by e-mail, in Swedish: what happened, since when, what to do, and where to look."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from schedules.alarms.kinds import heading
from schedules.alarms.plan import Occasion
from schedules.alarms.receivers.notice import Notice, TellError
from schedules.settings import Mail, Settings

TIMEOUT = 10.0


def is_set(settings: Settings) -> bool:
    """Whether there is somebody to mail and a server to do it."""
    return bool(settings.mail.host and settings.mail.to)


def tell(notice: Notice, settings: Settings) -> str:
    """Mail it to everybody in `mail.to`. Returns a remark about addresses the server would not take, else nothing.

    Raises TellError.
    """
    try:
        message = letter(notice, settings)
    except ValueError as error:  # a header would not take one of the addresses
        raise _sentence(error, settings.mail) from None
    return send(message, settings.mail)


def send(message: EmailMessage, mail: Mail, timeout: float = TIMEOUT) -> str:
    """Send one letter; see `tell`. timeout: seconds for each answer of the server."""
    with connected(mail, timeout) as server:
        refused = server.send_message(message)
    return f"Servern nekade {', '.join(sorted(refused))}." if refused else ""


@contextmanager
def connected(mail: Mail, timeout: float = TIMEOUT) -> Iterator[smtplib.SMTP]:
    """A server that has greeted us, encrypted and let us in as the settings say. Raises TellError, also for what goes
    wrong in the block."""
    try:
        server = _connect(mail, timeout)
        try:
            server.ehlo_or_helo_if_needed()
            if mail.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if mail.user:
                _log_in(server, mail.user, mail.password.get_secret_value())
            yield server
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _sentence(error, mail) from None


def _connect(mail: Mail, timeout: float) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=timeout, context=ssl.create_default_context())
    return smtplib.SMTP(mail.host, mail.port, timeout=timeout)


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    if user.isascii() and password.isascii():
        server.login(user, password)
        return
    # smtplib refuses "lösenord"; AUTH PLAIN is UTF-8 (RFC 4616) and every server has it.
    server.ehlo_or_helo_if_needed()
    given = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, answer = server.docmd("AUTH", f"PLAIN {given}")
    if code not in (235, 503):  # 503: logged in already
        raise smtplib.SMTPAuthenticationError(code, answer)


def letter(notice: Notice, settings: Settings) -> EmailMessage:
    """The letter about a notice. The letters about one alarm make one thread."""
    message = EmailMessage()
    message["Subject"] = notice.headline
    message["From"] = sender(settings.mail)
    message["To"] = ", ".join(settings.mail.to)
    message["Date"] = format_datetime(notice.now)
    domain = parseaddr(sender(settings.mail))[1].rpartition("@")[2]
    thread = f"<laktare-{notice.alarm_id}-{notice.raised_at:%Y%m%dT%H%M%S}@{domain}>"
    if notice.occasion is Occasion.RAISED:
        message["Message-ID"] = thread
    else:
        message["Message-ID"] = thread.replace("@", f"-{notice.now:%Y%m%dT%H%M%S}@")
        message["In-Reply-To"] = message["References"] = thread
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    message.set_content("\n".join(_lines(notice, settings)))
    return message


def sender(mail: Mail) -> str:
    """The address letters come from."""
    return mail.sender or (mail.user if "@" in mail.user else f"laktare@{socket.gethostname()}")


def _lines(notice: Notice, settings: Settings) -> list[str]:
    over = notice.occasion is Occasion.CLEARED
    lines = [
        f"Det här larmet är över: {heading(notice.kind).lower()}." if over else f"{heading(notice.kind)}.",
        "",
    ]
    lines += [f"Då gällde: {notice.message}" if over else notice.message, "", notice.since]
    if notice.meeting is not None:
        lines += [
            f"Sammanträde: {notice.meeting.title}, planerat till {notice.local(notice.meeting.planned_start)[:-3]}.",
            f"Dess sida: {notice.meeting.address}",
        ]
    place = settings.site.municipality or settings.site.name
    lines += ["", f"Meddelandet kommer från Läktare ({place}, {settings.address}) och kan inte besvaras."]
    return lines


def _sentence(error: Exception, mail: Mail) -> TellError:
    """What went wrong, in our own words: a server's answer may repeat what it was given."""
    place = f"{mail.host}:{mail.port}"
    match error:
        case smtplib.SMTPAuthenticationError():
            return _permanent(f"E-postservern {place} nekade inloggningen ({error.smtp_code}): rätta mail.user och "
                              "mail.password.")  # fmt: skip
        case smtplib.SMTPNotSupportedError():
            return _permanent(f"E-postservern {place} kan inte det som begärs (STARTTLS eller inloggning): rätta "
                              "mail.security eller ta bort mail.user.")  # fmt: skip
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            text = f"E-postservern {place} nekade alla mottagare ({codes[0]}): rätta mail.to."
            return TellError(text, permanent=all(code >= 500 for code in codes))
        case smtplib.SMTPSenderRefused():
            text = f"E-postservern {place} nekade avsändaren ({error.smtp_code}): rätta mail.sender."
            return TellError(text, permanent=error.smtp_code >= 500)
        case smtplib.SMTPResponseException():
            text = f"E-postservern {place} svarade med felet {error.smtp_code}."
            return TellError(text, permanent=error.smtp_code >= 500)
        case ssl.SSLCertVerificationError():
            return _permanent(f"E-postservern {place} visade ett certifikat som inte godkänns: använd serverns rätta "
                              "namn i mail.host och ett giltigt certifikat.")  # fmt: skip
        case ssl.SSLError():
            return _permanent(f"E-postservern {place} talar inte TLS så som mail.security säger: prova den andra av "
                              "starttls och tls, eller en annan mail.port.")  # fmt: skip
        # smtplib hides a timeout behind a lost connection.
        case TimeoutError() | smtplib.SMTPServerDisconnected(__context__=TimeoutError()):
            return TellError(
                f"E-postservern {place} svarade inte i tid: kontrollera mail.host och brandväggen."
            )
        case socket.gaierror():
            return TellError(f"E-postservern {mail.host} finns inte i namntjänsten: kontrollera mail.host.")
        case ConnectionRefusedError():
            return TellError(f"E-postservern {place} tar inte emot: kontrollera mail.host och mail.port.")
        case ValueError():
            return _permanent("Mejlet kunde inte skrivas: rätta adresserna i mail.sender och mail.to.")
    return TellError(f"Förbindelsen med e-postservern {place} bröts ({type(error).__name__}).")


def _permanent(text: str) -> TellError:
    return TellError(text, permanent=True)
