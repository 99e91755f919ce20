"""The commands on a campaign, each as the work of one deciding transaction.

What must stay true: a command's facts and its row are one transaction; its answer carries the campaign's last position,
so that a reader can wait for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from campaign_command import given_settings
from campaign_command.answered_numbers import taken_number
from campaign_command.business_numbers import require_caller_numbers
from campaign_command.callability import STALE_OF_CAMPAIGN, look_again
from campaign_command.campaign import (
    ALLOWED,
    RUNNING,
    Campaign,
    CampaignStreamFact,
    Cancel,
    Command,
    Create,
    Delete,
    Edit,
    Pause,
    Refused,
    Resume,
    Start,
    decide,
    ends_at,
    evolve,
    require_editable,
)
from campaign_command.contact import IN_PROGRESS
from campaign_command.contacts import (
    complete_if_done,
    count,
    load,
    remove_contacts,
    save_campaign,
)
from campaign_command.idempotency import forget_answers
from campaign_command.missing_variables import missing_variables
from campaign_command.store import Transaction, now_of
from campaign_command.suppressions import opt_out_reopened
from campaign_command.templates import variables_of
from campaign_events.facts import CampaignCreated
from campaign_events.settings import CampaignSettings
from campaign_service.problems import Problem, invalid_request


@dataclass(frozen=True, slots=True)
class Target:
    """The campaign a command is about, and the version its sender has seen (If-Match), if it said so."""

    campaign_id: UUID
    workspace: UUID
    if_match: int | None = None


def create(tx: Transaction, *, campaign_id: UUID, workspace: UUID, settings: CampaignSettings) -> dict[str, Any]:
    """A new Draft. Problem 422 for what is not valid: looser than its preset, an end that has passed.

    Problem 409: a caller number that is not the workspace's.
    """
    settings = given_settings.created(settings, now=now_of(tx.cursor))
    require_caller_numbers(tx.cursor, settings.caller_numbers, workspace=workspace)
    campaign = carry_out(tx, None, Create(campaign_id, workspace, settings))
    return answer(tx, campaign)


def edit(tx: Transaction, target: Target, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the patch (RFC 7396) into the settings; the answer lists what differs.

    Contacts that were found not callable are looked at again under the new settings.
    """
    campaign = find(tx, target)
    before = campaign.settings.model_dump(mode="json")
    try:
        settings = CampaignSettings.model_validate(merge_patch(before, patch), extra="forbid")
    except RecursionError:
        raise Problem(422, "invalid_request", "body: nested far deeper than settings are.") from None
    except ValidationError as error:
        raise invalid_request(list(error.errors(include_url=False))) from None
    settings = given_settings.edited(campaign.settings, settings, patch, now=now_of(tx.cursor))
    if settings.caller_numbers != campaign.settings.caller_numbers:
        require_caller_numbers(tx.cursor, settings.caller_numbers, workspace=campaign.workspace)
    edited = carry_out(tx, campaign, Edit(settings))
    if edited.settings_version != campaign.settings_version:
        look_again(tx, edited)
        if edited.settings.limits.max_attempts > campaign.settings.limits.max_attempts:
            opt_out_reopened(tx, edited, now=now_of(tx.cursor))
    after = settings.model_dump(mode="json")
    changes = [
        {"field": name, "from": before[name], "to": after[name]} for name in after if after[name] != before[name]
    ]
    return answer(tx, edited) | {"changes": changes}


def start(tx: Transaction, target: Target, *, ignore_missing_variables: bool = False) -> dict[str, Any]:
    """Begin to call; the answer counts who will not be called, by reason.

    Refused when contacts lack a variable of the prompt, unless that is to be ignored.
    """
    campaign = find(tx, target)
    _require_no_import(tx, campaign)
    _require_looked_at(tx, campaign)
    total, callable_contacts, blocked = count(tx.cursor, campaign)
    started = carry_out(tx, campaign, Start(total, callable_contacts, blocked, taken_number(tx.cursor, campaign)))
    if started.version != campaign.version:
        require_caller_numbers(tx.cursor, started.settings.caller_numbers, workspace=started.workspace)
        if not ignore_missing_variables:
            _require_variables(tx, started)
    complete_if_done(tx, campaign.campaign_id)
    return answer(tx, find(tx, target, check_version=False)) | {"blocked": blocked}


def pause(tx: Transaction, target: Target) -> dict[str, Any]:
    """Start no new call from this commit on."""
    return answer(tx, carry_out(tx, find(tx, target), Pause()))


def resume(tx: Transaction, target: Target) -> dict[str, Any]:
    """Go on; a campaign with nothing left to call is Completed at once."""
    campaign = find(tx, target)
    _require_no_import(tx, campaign)
    _require_looked_at(tx, campaign)
    resumed = carry_out(tx, campaign, Resume(taken_number(tx.cursor, campaign)))
    if resumed.version != campaign.version:
        require_caller_numbers(tx.cursor, resumed.settings.caller_numbers, workspace=resumed.workspace)
    complete_if_done(tx, campaign.campaign_id)
    return answer(tx, find(tx, target, check_version=False))


def cancel(tx: Transaction, target: Target) -> dict[str, Any]:
    """End for good."""
    campaign = carry_out(tx, find(tx, target), Cancel())
    _end_imports(tx, campaign)
    return answer(tx, campaign)


def delete(tx: Transaction, target: Target, *, confirm: str | None) -> dict[str, Any]:
    """Remove the campaign and its contact data; rows of many contacts are purged right after."""
    campaign = find(tx, target)
    if campaign.status is not RUNNING and confirm != str(campaign.campaign_id):
        raise Problem(
            422,
            "confirmation_required",
            "confirm: repeat the campaign's id to delete it with all its contact data.",
            confirm=str(campaign.campaign_id),
        )
    campaign = carry_out(tx, campaign, Delete())
    _end_imports(tx, campaign)
    forget_answers(tx, campaign.campaign_id)
    return {"id": str(campaign.campaign_id), "deleted": True, "position": position_of(tx, campaign.campaign_id)}


def remove(tx: Transaction, target: Target, contact_ids: Sequence[UUID]) -> dict[str, Any]:
    """Remove contacts; 404 when one is not of this campaign, 409 when one is being called."""
    campaign = require_editable(find(tx, target))
    rows = load(tx.cursor, contact_ids)
    strangers = [str(i) for i in contact_ids if i not in rows or rows[i].contact.campaign_id != campaign.campaign_id]
    if strangers:
        raise Refused("unknown_contact", "There is no such contact in this campaign.", contact_ids=strangers[:100])
    busy = [str(i) for i, row in rows.items() if row.contact.status is IN_PROGRESS]
    if busy:
        raise Refused("contact_in_progress", "A contact that is being called can't be removed.", contact_ids=busy[:100])
    remove_contacts(tx, campaign, list(rows.values()), now=now_of(tx.cursor))
    return {"removed": len(rows), "position": position_of(tx, campaign.campaign_id)}


def find(tx: Transaction, target: Target, *, check_version: bool = True) -> Campaign:
    """The campaign of a command. Refused when unknown (or another workspace's); 412 when its version has moved on."""
    campaign = tx.campaign(target.campaign_id, workspace=target.workspace)
    if campaign is None or campaign.deleted:
        raise Refused("unknown_campaign", "There is no such campaign.")
    if check_version and target.if_match is not None and target.if_match != campaign.version:
        raise Problem(
            412,
            "version_mismatch",
            f"If-Match: the campaign has version {campaign.version}, not {target.if_match}.",
            version=campaign.version,
        )
    return campaign


def answer(tx: Transaction, campaign: Campaign) -> dict[str, Any]:
    """A campaign as commands answer it."""
    return {
        "id": str(campaign.campaign_id),
        "status": str(campaign.status),
        "pause_reason": campaign.pause_reason,
        "version": campaign.version,
        "settings_version": campaign.settings_version,
        "settings": campaign.settings.model_dump(mode="json"),
        "allowed": list(ALLOWED[campaign.status]),
        "created_at": campaign.created_at.isoformat().replace("+00:00", "Z"),
        "position": position_of(tx, campaign.campaign_id),
    }


def position_of(tx: Transaction, campaign_id: UUID) -> int:
    """The position of the campaign's last fact."""
    row = tx.cursor.execute("SELECT position FROM campaigns WHERE campaign_id = %s", (campaign_id,)).fetchone()
    assert row is not None
    return int(row["position"])


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes (the field's default applies), objects merge, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def carry_out(tx: Transaction, campaign: Campaign | None, command: Command) -> Campaign:
    """Decide, append, write the campaign's row. Returns the campaign after. Refused as the decider says."""
    facts: list[CampaignStreamFact] = decide(campaign, command, now_of(tx.cursor))
    version = campaign.version if campaign else 0
    for fact in facts:
        campaign = evolve(campaign, fact)
    assert campaign is not None
    if facts and isinstance(facts[0], CampaignCreated):
        tx.cursor.execute(
            "INSERT INTO campaigns (campaign_id, workspace, status, type, max_attempts, ends_at, position)"
            " VALUES (%s, %s, %s, %s, %s, %s, 0)",
            (
                campaign.campaign_id,
                campaign.workspace,
                campaign.status,
                campaign.settings.type,
                campaign.settings.limits.max_attempts,
                ends_at(campaign.settings),
            ),
        )
    tx.append(facts, workspace=campaign.workspace, versions={campaign.campaign_id: version})
    if facts:
        save_campaign(tx.cursor, campaign)
    return campaign


def _require_looked_at(tx: Transaction, campaign: Campaign) -> None:
    # Whom an older version of the settings did not let us call may be open under the current one: an edit looks at a
    # first chunk, housekeeping at the rest, and until then nobody can say whether the campaign has anything to do.
    tx.cursor.execute(STALE_OF_CAMPAIGN + " LIMIT 1", (campaign.campaign_id, campaign.settings_version))
    if tx.cursor.fetchone() is not None:
        raise Refused(
            "contacts_being_checked",
            "Contacts that could not be called are looked at again under the new settings; try again in a moment.",
        )


def _require_variables(tx: Transaction, campaign: Campaign) -> None:
    names = variables_of(campaign.settings.custom_prompt)
    if not names or campaign.settings.type != "outbound":
        return
    missing = missing_variables(tx, campaign, names)
    if missing.contacts:
        raise Refused(
            "missing_variables",
            f"{missing.contacts} contacts lack something the prompt names: {', '.join(sorted(missing.by_variable))}."
            " Complete them, or start with ignore_missing_variables=true.",
            count=missing.contacts,
            by_variable=missing.by_variable,
            contacts=missing.listed,
        )


def _require_no_import(tx: Transaction, campaign: Campaign) -> None:
    row = tx.cursor.execute(
        "SELECT id FROM imports WHERE campaign_id = %s AND state IN ('uploading', 'queued', 'running') LIMIT 1",
        (campaign.campaign_id,),
    ).fetchone()
    if row is not None:
        raise Refused(
            "import_running", "Contacts are being imported; wait for the import or cancel it.", import_id=str(row["id"])
        )


def _end_imports(tx: Transaction, campaign: Campaign) -> None:
    tx.cursor.execute(
        "UPDATE imports SET state = 'cancelled', updated_at = now(), finished_at = now()"
        " WHERE campaign_id = %s AND state IN ('uploading', 'queued', 'running')",
        (campaign.campaign_id,),
    )
