// What a person calls each setting of a campaign, and how its value reads; and what differs between two versions.
import { RETRIES, type Settings } from './campaign-form'
import { at, same } from './differences'
import { writtenDuration } from './durations'
import { weekInWords } from './week'
import { count, day } from './words'

/** What a person calls each setting, and how its value reads; in the order of the form. */
const NAMED: { path: string; label: string; says: (value: never) => string }[] = [
  ...named('name', 'Name', words),
  ...named('description', 'Description', words),
  ...named('type', 'Type', words),
  ...named('inbound', 'When it can’t answer', (given: Settings['inbound']) =>
    given?.when_closed === 'message' ? `plays the message ${given.message_id ?? ''}` : 'rejects the call',
  ),
  ...named('agent_id', 'Agent', words),
  ...named('caller_numbers', 'Caller numbers', words),
  ...named('default_country', 'Default country', (code: string | null) => (code ? countryName(code) : 'none')),
  ...named('custom_prompt', 'Prompt', words),
  ...named('success_rule', 'A success is', (rule: Settings['success_rule']) => SUCCESS[rule]),
  ...named('preset', 'Preset', words),
  ...named('schedule.weekly', 'Calling hours', (weekly: Settings['schedule']['weekly']) => weekInWords(weekly)),
  ...named('schedule.use_callee_time_zone', 'Hours are read in', (callee: boolean) => (callee ? 'the contact’s time zone' : 'the campaign’s time zone')),
  ...named('schedule.time_zone', 'Time zone', words),
  ...named('schedule.start_date', 'First day', (date: string | null) => (date ? day(date) : 'at once')),
  ...named('schedule.end_date', 'Last day', (date: string | null) => (date ? day(date) : 'no end')),
  ...named('schedule.blocked_dates', 'Days without calls', (dates: string[]) => dates.map(day).join(', ') || 'none'),
  ...named('schedule.public_holidays', 'Public holidays without calls', (of: { country: string; subdivision: string | null } | null) =>
    of ? `${countryName(of.country)}${of.subdivision ? `, ${of.subdivision}` : ''}` : 'none',
  ),
  ...named('limits.max_simultaneous_calls', 'Calls at one time', words),
  ...named('limits.calls_per_second', 'Calls begun per second', words),
  ...named('limits.calls_per_day', 'Calls per day', (value: number | null) => (value === null ? 'no limit' : count(value))),
  ...named('limits.max_attempts', 'Attempts per contact', words),
  ...named('limits.ring_timeout_seconds', 'Rings for', length),
  ...named('limits.max_call_seconds', 'Longest call', length),
  ...Object.entries(RETRIES).flatMap(([name, label]) => named(`retry.${name}`, `Retry after: ${label.toLowerCase()}`, retryInWords)),
  ...named('callback_delay_seconds', '“Later” means', length),
  ...named('callback_tolerance_seconds', 'A callback is late after', length),
  ...named('frequency_caps', 'Calls to one number', capsInWords),
  ...named('requires_consent', 'Only with consent on record', words),
  ...named('required_lists', 'Do-not-call lists it needs', words),
  ...named('join_inbound', 'A contact who rings in is done', words),
]

function named<Value>(path: string, label: string, says: (value: Value) => string): typeof NAMED {
  return [{ path, label, says: says as (value: never) => string }]
}

const SUCCESS: Record<Settings['success_rule'], string> = {
  answered: 'a call a person answered',
  reported: 'only a call the agent reports as one',
}

function words(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return count(value)
  if (Array.isArray(value)) return value.join(', ') || 'none'
  return String(value)
}

function length(value: number): string {
  return writtenDuration(value)
}

function retryInWords(rule: Settings['retry']['busy']): string {
  if (rule.max_retries === 0) return 'never'
  const delays = rule.delays_seconds.map(writtenDuration).join(', ')
  return `after ${delays}${rule.max_retries === null ? ', while attempts are left' : `, ${rule.max_retries} at most`}`
}

export function capsInWords(caps: Settings['frequency_caps']): string {
  return caps.map((cap) => `${count(cap.calls)} in ${writtenDuration(cap.window_seconds)}`).join('; ') || 'no cap'
}

const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
export const countryName = (code: string): string => names.of(code) ?? code

const NO_COUNTRIES = new Set(['EU', 'EZ', 'UN', 'ZZ', 'XA', 'XB', 'QO'])
const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
/** ISO 3166 codes with their names, in the order of names. */
export const COUNTRIES = letters
  .flatMap((first) => letters.map((second) => first + second))
  .filter((code) => !NO_COUNTRIES.has(code) && names.of(code) !== undefined)
  .map((code) => ({ value: code, label: `${countryName(code)} (${code})` }))
  .sort((left, right) => left.label.localeCompare(right.label))

export type Change = { path: string; label: string; from: string; to: string }

/** Setting by setting, in words. */
export const settingsInWords = (settings: Settings): { path: string; label: string; value: string }[] =>
  NAMED.map(({ path, label, says }) => ({ path, label, value: says(at(settings, path) as never) }))

export const changesOf = (before: Settings, after: Settings): Change[] =>
  NAMED.filter(({ path }) => !same(at(before, path), at(after, path))).map(({ path, label, says }) => ({
    path,
    label,
    from: safely(says, at(before, path)),
    to: safely(says, at(after, path)),
  }))

/** Values that are half typed may not read as what they are to be. */
function safely(says: (value: never) => string, value: unknown): string {
  try {
    return says(value as never)
  } catch {
    return String(value)
  }
}

/** What only one kind of campaign has. */
export const concerns = (path: string, type: Settings['type']): boolean =>
  type === 'inbound'
    ? !/^(retry|callback_|frequency_caps|requires_consent|required_lists|join_inbound|preset|limits\.(calls_per_second|calls_per_day|max_attempts|ring_timeout)|schedule\.use_callee)/.test(path)
    : path !== 'inbound'
