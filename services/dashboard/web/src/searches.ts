// What stands in the URL of a campaign's tabs; what is absent is the default. Apart from the pages, which load later.
import { CONTACT_STATUSES } from './words'

type Raw = Record<string, unknown>
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

export type ContactsSearch = { status?: string; q?: string; cursor?: string }
export function readContactsSearch(raw: Raw): ContactsSearch {
  const statuses = (text(raw.status) ?? '').split(',').filter((name) => name in CONTACT_STATUSES)
  return { status: statuses.join(',') || undefined, q: text(raw.q)?.slice(0, 200), cursor: text(raw.cursor) }
}

export const CALL_STATES = {
  placed: 'Placed',
  ringing: 'Ringing',
  answered: 'Answered',
  ended: 'Hung up',
  settled: 'Settled',
  asked: 'Asking for a permit',
  placing: 'Being placed',
  unknown: 'Unknown',
} as const
export type CallState = keyof typeof CALL_STATES
export type CallsSearch = { status?: CallState; call?: string; cursor?: string }
export function readCallsSearch(raw: Raw): CallsSearch {
  const status = text(raw.status)
  return {
    status: status && status in CALL_STATES ? (status as CallState) : undefined,
    call: text(raw.call),
    cursor: text(raw.cursor),
  }
}

/** `call`: the one that is looked at. */
export type TimelineSearch = { call?: string }
export const readTimelineSearch = (raw: Raw): TimelineSearch => ({ call: text(raw.call) })

/** `import`: the one whose progress is looked at. */
export type ImportSearch = { import?: string; result?: 'accepted' | 'duplicate' | 'rejected'; cursor?: string }
export function readImportSearch(raw: Raw): ImportSearch {
  const result = text(raw.result)
  const isResult = result === 'accepted' || result === 'duplicate' || result === 'rejected'
  return { import: text(raw.import), result: isResult ? result : undefined, cursor: text(raw.cursor) }
}

export type LogSearch = { after?: string }
export const readLogSearch = (raw: Raw): LogSearch => ({
  after: /^\d{1,18}$/.test(text(raw.after) ?? '') ? text(raw.after) : undefined,
})

const SOURCES = ['agent', 'api', 'list', 'inbound', 'network'] as const
export type SuppressionsSearch = {
  view?: 'lists' | 'lifted'
  number?: string
  source?: (typeof SOURCES)[number]
  cursor?: string
}
export function readSuppressionsSearch(raw: Raw): SuppressionsSearch {
  return {
    view: raw.view === 'lists' || raw.view === 'lifted' ? raw.view : undefined,
    number: text(raw.number)?.slice(0, 100),
    source: SOURCES.find((source) => source === raw.source),
    cursor: text(raw.cursor),
  }
}
