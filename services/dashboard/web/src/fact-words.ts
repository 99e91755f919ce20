// A fact of a campaign's log, in plain words.
import type { Command } from './api'
import { lower, OUTCOMES, plain, statusBecause } from './reasons'
import { CAMPAIGN_STATUSES, CONTACT_STATUSES, count, plural, type CampaignStatus, type ContactStatus } from './words'

type Fact = Command['FactAnswer']
type Data = Record<string, unknown>

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const names = (value: unknown): string => list(value).map((name) => lower(plain(String(name)))).join(', ')
const status = (value: unknown): string =>
  value && String(value) in CONTACT_STATUSES ? CONTACT_STATUSES[value as ContactStatus].word : plain(String(value))
const was = (value: unknown): string =>
  value && String(value) in CAMPAIGN_STATUSES ? ` It was ${CAMPAIGN_STATUSES[value as CampaignStatus].word}.` : ''
const because = (reason: unknown): string => (reason ? `: ${lower(statusBecause(String(reason)))}` : '')

/** What happened, in a sentence; the contact and the call of it are linked beside it. */
export function factWords({ type, data }: Fact): string {
  const tell = WORDS[type]
  return tell ? tell(data) : `${plain(type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase())}.`
}

const WORDS: Record<string, (data: Data) => string> = {
  CampaignCreated: (data) => (data.duplicate_of ? 'Created as a duplicate of another campaign.' : 'Created.'),
  CampaignEdited: (data) => `Edited: ${names(data.changed) || 'nothing'}. These are settings version ${String(data.settings_version)}.`,
  CampaignStarted: (data) => `Started, with settings version ${String(data.settings_version)}.`,
  CampaignPaused: (data) =>
    data.reason === 'schedule_ended' ? 'Paused by itself: the end date has passed with contacts left.' : 'Paused.',
  CampaignResumed: (data) => `Resumed, with settings version ${String(data.settings_version)}.`,
  CampaignCancelled: (data) => `Cancelled for good.${was(data.previous)}`,
  CampaignCompleted: () => 'Completed: no contact is left to call.',
  CampaignDeleted: (data) => `Deleted.${was(data.previous)}`,
  ContactsAdded: (data) => {
    const blocked = Number(data.do_not_call_count ?? 0)
    return `${plural(list(data.contact_ids).length, 'contact')} added${data.import_id ? ' by an import' : ''}${
      blocked > 0 ? `, ${count(blocked)} of them as do not call` : ''
    }.`
  },
  ContactsRemoved: (data) => `${plural(list(data.contact_ids).length, 'contact')} removed.`,
  ContactTimeZonesChanged: (data) => `A contact’s time zones were changed to ${list(data.time_zones).map(String).join(', ') || 'none'}.`,
  ContactDetailsChanged: (data) => `A contact’s details were edited: ${names(data.changed)}.`,
  ContactCallabilityChanged: (data) =>
    data.callable ? 'A contact is looked at again: it may be called.' : `A contact can’t be called${because(data.reason)}.`,
  ContactStatusChanged: (data) => {
    if (data.status === 'in_progress')
      return data.kind === 'inbound' ? 'A person rang, and was put through.' : `Call ${String(data.attempt)} of a contact was allowed.`
    const [from, to] = [lower(status(data.previous)), lower(status(data.status))]
    const outcome = data.outcome ? lower(OUTCOMES[String(data.outcome)] ?? plain(String(data.outcome))) : ''
    const how = outcome && data.outcome !== 'human' && outcome !== to ? ` (${outcome})` : ''
    const reason = data.reason && data.reason !== data.outcome && data.reason !== data.status ? because(data.reason) : ''
    return `A contact went from ${from} to ${to}${how}${reason}.`
  },
  ContactCorrected: (data) => {
    const [old, now] = [data.old, data.new] as { status?: string }[]
    return `A later report corrected a contact’s call: ${lower(status(old?.status))} became ${lower(status(now?.status))}${because(data.reason)}.`
  },
}
