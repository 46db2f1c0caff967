"""`laktare connect youtube`: a person grants us a channel, once; from then on it goes by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from schedules.cli.context import open_house, refuse, refusing
from schedules.database import Database
from schedules.logs import configure_logs
from schedules.settings import Settings
from schedules.times import show_local
from schedules.youtube.accounts import meter_of
from schedules.youtube.connecting import Channel, Consent
from schedules.youtube.oauth_client import AccountError, read_client
from schedules.youtube.tokens import Token, load_token, store_token

PROMPT = "Öppna adressen i en webbläsare på den här datorn och välj kanalen som ska anslutas:\n\n{url}\n"
PASTE_PROMPT = (
    "Öppna adressen i en webbläsare på vilken dator som helst och välj kanalen som ska anslutas:\n\n{url}\n\n"
    "Webbläsaren stannar sedan på en sida som inte kan visas. Kopiera hela adressen därifrån.\n"
)
SUCCESS = "Klart. Gå tillbaka till kommandoraden; den här sidan kan stängas."


@click.group()
def connect() -> None:
    """Anslut konton hos andra tjänster."""


@connect.command()
@click.option("--account", help="Kontots nyckel i inställningarna; behövs bara där det finns flera.")
@click.option("--paste", is_flag=True, help="Ge tillståndet på en annan dator och klistra in svaret här.")
@click.pass_context
def youtube(ctx: click.Context, account: str | None, paste: bool) -> None:
    """Anslut en YouTube-kanal till ett konto i inställningarna.

    Kommandot visar en adress hos Google, där någon som sköter kanalen ger sitt tillstånd. Det görs en gång per kanal.
    """
    configure_logs(level="ERROR")
    settings, database = open_house(ctx)
    with refusing(AccountError):
        chosen = _chosen(settings, account)
        try:
            token = _granted(settings, database, chosen, paste=paste)
        except (KeyboardInterrupt, click.Abort):
            refuse("Avbrutet, och ingenting är ändrat.")
    try:
        store_token(settings, chosen, token)
    except OSError as error:
        refuse(
            f"Anslutningen kunde inte sparas i {settings.data} ({error.strerror}): rätta det och kör igen."
        )
    click.echo(f"Kontot {chosen} är anslutet. Kontrollera med laktare check.")
    if token.expires_at is not None:
        click.echo(
            f"Men anslutningen dör {show_local(token.expires_at, settings.zone)}, för Googles samtyckesskärm står i "
            "Testing: ställ den i In production i Google Cloud och anslut igen.",
            err=True,
        )


def _chosen(settings: Settings, account: str | None) -> str:
    keys = list(settings.accounts)
    if not keys:
        raise AccountError("Inget konto är inställt: lägg till ett under [accounts.…] i inställningarna.")
    if account is None and len(keys) == 1:
        return keys[0]
    if account not in settings.accounts:
        which = f"Kontot {account} finns inte" if account else "Det finns flera konton"
        raise AccountError(f"{which}: ange --account med ett av {', '.join(keys)}.")
    return account


def _granted(settings: Settings, database: Database, account: str, *, paste: bool) -> Token:
    client = read_client(settings.youtube)
    consent = Consent(client)
    if paste:
        click.echo(PASTE_PROMPT.format(url=consent.address()))
        consent.pasted(click.prompt("Adressen", type=str))
    else:
        consent.on_loopback(PROMPT, SUCCESS)
    channel = consent.channel(settings, meter_of(settings, database, client))
    click.echo(f"Kanalen är {channel.title} ({channel.id}).")
    _check(settings, account, channel)
    return consent.token(channel, datetime.now(UTC))


def _check(settings: Settings, account: str, channel: Channel) -> None:
    """Raises AccountError where it is not the channel that it should be."""
    wanted = settings.accounts[account].channel_id
    if wanted and channel.id != wanted:
        raise AccountError(
            f"Kontot {account} är till för kanalen {wanted} (accounts.{account}.channel_id), så ingenting är ändrat: "
            "kör igen och välj den kanalen, eller ändra channel_id."
        )
    try:
        former = load_token(settings, account)
    except AccountError:
        return  # never connected, or its file is damaged
    if not wanted and channel.id != former.channel_id:
        raise AccountError(
            f"Kontot {account} har varit anslutet till kanalen {former.channel_title} ({former.channel_id}), så "
            "ingenting är ändrat: kör igen och välj den kanalen, eller byt kanal genom att sätta "
            f'accounts.{account}.channel_id = "{channel.id}" i inställningarna.'
        )
