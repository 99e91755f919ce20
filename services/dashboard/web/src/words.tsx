// The words, colours and number formats of the page: one place, so that every page says the same thing the same way.
import { Badge, Text, Tooltip } from '@mantine/core'
import type { Figures } from './api'

export type CampaignStatus = Figures['CampaignStatus']
export type CampaignType = Figures['Campaign']['type']
export type ContactStatus = Exclude<keyof Figures['Contacts'], 'total'>
type Word = { word: string; color: string; says: string }

export const CAMPAIGN_STATUSES: Record<CampaignStatus, Word> = {
  draft: { word: 'Draft', color: 'gray.5', says: 'Being prepared; nothing is called' },
  running: { word: 'Running', color: 'teal', says: 'Contacts are called when their hours allow it' },
  paused: { word: 'Paused', color: 'yellow', says: 'No new call starts; resume goes on with the contacts left' },
  completed: { word: 'Completed', color: 'brand', says: 'No contact is left to call' },
  cancelled: { word: 'Cancelled', color: 'red', says: 'Ended for good; contacts not reached keep their status' },
}

export const CAMPAIGN_TYPES: Record<CampaignType, string> = { outbound: 'Outbound', inbound: 'Inbound' }

export const CONTACT_STATUSES: Record<ContactStatus, Word> = {
  pending: { word: 'Pending', color: 'gray.5', says: 'Waiting to be called' },
  in_progress: { word: 'In progress', color: 'cyan', says: 'Being called now' },
  completed: { word: 'Completed', color: 'teal', says: 'A person answered, and the goal was met' },
  failed: { word: 'Failed', color: 'red', says: 'The goal was not met, or the number can’t be reached for good' },
  no_answer: { word: 'No answer', color: 'yellow', says: 'Nobody picked up, busy, or declined' },
  voicemail: { word: 'Voicemail', color: 'grape', says: 'Reached voicemail' },
  do_not_call: { word: 'Do not call', color: 'gray.7', says: 'Asked not to be called again' },
  rescheduled: { word: 'Rescheduled', color: 'indigo', says: 'Asked to be called back' },
}

/** A status as a coloured dot and its word; what it means on hover. */
export function Status({ of, reason }: { of: Word; reason?: string | null }) {
  return (
    <Tooltip label={reason ?? of.says}>
      <Badge color={of.color}>{of.word}</Badge>
    </Tooltip>
  )
}

export function CampaignStatusBadge({ campaign }: { campaign: Pick<Figures['Campaign'], 'status' | 'paused_reason'> }) {
  const ended = campaign.paused_reason === 'schedule_ended'
  return (
    <Status
      of={CAMPAIGN_STATUSES[campaign.status]}
      reason={ended ? 'The end date has passed with contacts left: extend it and resume, or cancel' : null}
    />
  )
}

// --- numbers ---------------------------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat('en')
const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })
const DASH = '–'

export const count = (value: number | null | undefined): string => (value == null ? DASH : whole.format(value))

/** A ratio; 0/0 is a dash. What is not all never shows as 100 %. */
export function percent(ratio: number | null | undefined): string {
  if (ratio == null) return DASH
  return share.format(ratio < 1 ? Math.min(ratio, 0.999) : ratio).replace('%', ' %')
}

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return DASH
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const all = Math.round(seconds)
  return `${Math.floor(all / 60)}:${String(all % 60).padStart(2, '0')} min`
}

// --- times -----------------------------------------------------------------------------------------------------------

export const VIEWER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options)
  let found = formats.get(key)
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options })))
  return found
}

type TimeProps = { at: string; zone?: string; quiet?: boolean; seconds?: boolean }

/** An instant in a zone (the viewer's unless another is given); the zone beside it or, `quiet`, on hover. */
export function Time({ at, zone = VIEWER_ZONE, quiet, seconds }: TimeProps) {
  const date = new Date(at)
  const text = format(zone, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
  })
  const short = format(zone, { timeZoneName: 'short' }).formatToParts(date).find((part) => part.type === 'timeZoneName')
  return (
    <Tooltip label={`${format(zone, { dateStyle: 'full', timeStyle: 'long' }).format(date)} (${zone})`}>
      <time dateTime={at}>
        {text.format(date)}
        {quiet ? null : (
          <Text span size="xs" c="dimmed">
            {' '}
            {short?.value}
          </Text>
        )}
      </time>
    </Tooltip>
  )
}

/** A local date (`2030-01-07`) as it is written. */
export const day = (date: string): string =>
  format('UTC', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(`${date}T12:00:00Z`))
