"""The views as an offline fold of a whole log, to compare with what the API answers. Nothing but the pure folds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from analytics_projector import answers, campaign_analytics, campaign_list, campaign_settings
from campaign_events.envelope import Event
from campaign_events.facts import CampaignFact
from campaign_events.settings import CampaignSettings


@dataclass(frozen=True, slots=True)
class View:
    """Everything the projector knows of one campaign."""

    row: campaign_list.CampaignRow
    days: campaign_analytics.Days
    settings: CampaignSettings | None

    def campaign(self) -> dict[str, Any]:
        """What `GET /v1/campaigns/{id}` answers; as an item of the list, without `settings`."""
        assert self.settings is not None, "a deleted campaign has no answer"
        return answers.detail_of(self.row, self.settings, self.days, today=self._today()).model_dump(mode="json")

    def list_item(self) -> dict[str, Any]:
        """The campaign's item in what `GET /v1/campaigns` answers."""
        return answers.item_of(self.row).model_dump(mode="json")

    def analytics(self) -> dict[str, Any]:
        """What `GET /v1/campaigns/{id}/analytics` answers."""
        assert self.settings is not None, "a deleted campaign has no answer"
        return answers.analytics_of(self.row, self.settings, self.days, today=self._today()).model_dump(mode="json")

    def _today(self) -> date:
        return answers.today_of(self.row.plan.time_zone, datetime.now(UTC))


def views(events: Iterable[Event[Any]]) -> dict[UUID, View]:
    """Every campaign of the log, tombstones too. Events come in the order of their partition; repeats are skipped."""
    rows: dict[UUID, campaign_list.CampaignRow] = {}
    days: dict[UUID, campaign_analytics.Days] = {}
    settings: dict[UUID, CampaignSettings | None] = {}
    for event in events:
        if not isinstance(event.data, CampaignFact):
            continue
        id_ = event.data.campaign_id
        before = rows.get(id_)
        if before is not None and event.position <= before.position:
            continue
        after = campaign_list.evolve(before, event)
        assert after is not None, "only an unknown fact leaves no row"
        rows[id_] = after
        days[id_] = campaign_analytics.evolve(days.get(id_), event)
        settings[id_] = campaign_settings.evolve(settings.get(id_), event)
    return {id_: View(row, days[id_], settings[id_]) for id_, row in rows.items()}
