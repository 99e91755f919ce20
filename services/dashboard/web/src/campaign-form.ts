// A campaign’s settings as a form holds them, and back: numbers and lengths of time are text while they are typed.
import type { Command, FieldError, Problem } from './api'
import { at, difference, same, type Patch, type Tree } from './differences'
import { HOW_TO_WRITE, readDuration, writtenDuration } from './durations'
import { tidyTime, wholeWeek, type Hours, type Week } from './week'
import { VIEWER_ZONE } from './words'

export type Settings = Command['CampaignSettings']
export type Preset = Command['PresetAnswer']
/** What a number field holds; empty means null where null is allowed. */
export type Num = number | string

export const RETRIES = {
  no_answer: 'No answer',
  busy: 'Busy',
  declined: 'Declined',
  voicemail: 'Voicemail',
  carrier_error: 'Carrier fault',
} as const
export type RetryName = keyof typeof RETRIES
export const ZONES: readonly string[] = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'))]

export type Fields = {
  name: string
  description: string
  type: Settings['type']
  agent_id: string
  caller_numbers: string[]
  custom_prompt: string
  default_country: string | null
  success_rule: Settings['success_rule']
  when_closed: 'reject' | 'message'
  message_id: string
  limits: Record<keyof Settings['limits'], Num>
  retry: Record<RetryName, { delays: string; retries: Num }>
  callback_delay: string
  callback_tolerance: string
  time_zone: string
  use_callee_time_zone: boolean
  weekly: Week
  blocked_dates: string[]
  holiday_country: string | null
  holiday_subdivision: string
  start_date: string
  end_date: string
  preset: string | null
  requires_consent: boolean
  caps: { calls: Num; window: string }[]
  required_lists: string[]
  join_inbound: boolean
}

const OFFICE: Hours = [['09:00', '18:00']]

/** A new campaign’s: the defaults of the API. */
export const blank = (): Fields => ({
  name: '',
  description: '',
  type: 'outbound',
  agent_id: '',
  caller_numbers: [],
  custom_prompt: '',
  default_country: null,
  success_rule: 'answered',
  when_closed: 'reject',
  message_id: '',
  limits: {
    max_simultaneous_calls: 10,
    calls_per_second: 1,
    calls_per_day: '',
    max_attempts: 3,
    ring_timeout_seconds: 30,
    max_call_seconds: 3600,
  },
  retry: {
    no_answer: { delays: '2 h', retries: '' },
    busy: { delays: '15 min', retries: '' },
    declined: { delays: '1 d', retries: 1 },
    voicemail: { delays: '2 h', retries: 0 },
    carrier_error: { delays: '2 min, 4 min, 8 min', retries: 2 },
  },
  callback_delay: '1 d',
  callback_tolerance: '15 min',
  time_zone: ZONES.includes(VIEWER_ZONE) ? VIEWER_ZONE : 'UTC',
  use_callee_time_zone: true,
  weekly: wholeWeek({ mon: OFFICE, tue: OFFICE, wed: OFFICE, thu: OFFICE, fri: OFFICE }),
  blocked_dates: [],
  holiday_country: null,
  holiday_subdivision: '',
  start_date: '',
  end_date: '',
  preset: null,
  requires_consent: false,
  caps: [],
  required_lists: [],
  join_inbound: true,
})

export function fieldsOf(settings: Settings): Fields {
  const { schedule, limits, retry, public_holidays: holidays } = { ...settings, ...settings.schedule }
  return {
    name: settings.name,
    description: settings.description,
    type: settings.type,
    agent_id: settings.agent_id ?? '',
    caller_numbers: settings.caller_numbers,
    custom_prompt: settings.custom_prompt,
    default_country: settings.default_country,
    success_rule: settings.success_rule,
    when_closed: settings.inbound?.when_closed ?? 'reject',
    message_id: settings.inbound?.message_id ?? '',
    limits: { ...limits, calls_per_day: limits.calls_per_day ?? '' },
    retry: Object.fromEntries(
      Object.keys(RETRIES).map((name) => {
        const rule = retry[name as RetryName]
        return [name, { delays: rule.delays_seconds.map(writtenDuration).join(', '), retries: rule.max_retries ?? '' }]
      }),
    ) as Fields['retry'],
    callback_delay: writtenDuration(settings.callback_delay_seconds),
    callback_tolerance: writtenDuration(settings.callback_tolerance_seconds),
    time_zone: schedule.time_zone,
    use_callee_time_zone: schedule.use_callee_time_zone,
    weekly: wholeWeek(schedule.weekly),
    blocked_dates: schedule.blocked_dates,
    holiday_country: holidays?.country ?? null,
    holiday_subdivision: holidays?.subdivision ?? '',
    start_date: schedule.start_date ?? '',
    end_date: schedule.end_date ?? '',
    preset: settings.preset,
    requires_consent: settings.requires_consent,
    caps: settings.frequency_caps.map((cap) => ({ calls: cap.calls, window: writtenDuration(cap.window_seconds) })),
    required_lists: settings.required_lists,
    join_inbound: settings.join_inbound,
  }
}

const isNumber = (value: Num): value is number => typeof value === 'number'
/** An empty number field that must hold one goes out as it is: the server says what is allowed. */
const whole = (value: Num): number => value as number
const orNull = (value: Num): number | null => (isNumber(value) ? value : value === '' ? null : (value as unknown as number))
const seconds = (text: string): number => readDuration(text) ?? (text as unknown as number)
const list = (text: string): string[] => text.split(',').map((part) => part.trim())

/** The settings that the form says; of `before`, what no form shows stays. */
export function settingsOf(fields: Fields, before?: Settings): Settings {
  const weekly = Object.fromEntries(
    Object.entries(fields.weekly)
      .filter(([, hours]) => hours.length > 0)
      .map(([name, hours]) => [name, hours.map(([from, to]) => [tidyTime(from), tidyTime(to)] as [string, string])]),
  )
  const isInbound = fields.type === 'inbound'
  const closed = { when_closed: fields.when_closed, message_id: fields.when_closed === 'message' ? fields.message_id.trim() || null : null }
  const saysNothing = fields.when_closed === 'reject' && !before?.inbound
  return {
    ...before,
    name: fields.name.trim(),
    description: fields.description,
    type: fields.type,
    agent_id: fields.agent_id.trim() || null,
    caller_numbers: fields.caller_numbers,
    custom_prompt: fields.custom_prompt,
    default_country: fields.default_country,
    success_rule: fields.success_rule,
    limits: {
      ...before?.limits,
      max_simultaneous_calls: whole(fields.limits.max_simultaneous_calls),
      calls_per_second: whole(fields.limits.calls_per_second),
      calls_per_day: orNull(fields.limits.calls_per_day),
      max_attempts: whole(fields.limits.max_attempts),
      ring_timeout_seconds: whole(fields.limits.ring_timeout_seconds),
      max_call_seconds: whole(fields.limits.max_call_seconds),
    },
    retry: Object.fromEntries(
      Object.entries(fields.retry).map(([name, rule]) => [
        name,
        { ...before?.retry[name as RetryName], delays_seconds: list(rule.delays).map(seconds), max_retries: orNull(rule.retries) },
      ]),
    ) as Settings['retry'],
    callback_delay_seconds: seconds(fields.callback_delay),
    callback_tolerance_seconds: seconds(fields.callback_tolerance),
    schedule: {
      ...before?.schedule,
      time_zone: fields.time_zone,
      use_callee_time_zone: fields.use_callee_time_zone,
      weekly,
      blocked_dates: fields.blocked_dates,
      public_holidays: fields.holiday_country
        ? { country: fields.holiday_country, subdivision: fields.holiday_subdivision.trim() || null }
        : null,
      start_date: fields.start_date || null,
      end_date: fields.end_date || null,
    },
    inbound: isInbound && !saysNothing ? { ...before?.inbound, ...closed } : null,
    preset: isInbound && !before ? null : fields.preset,
    requires_consent: fields.requires_consent,
    frequency_caps: fields.caps.map((cap) => ({ calls: whole(cap.calls), window_seconds: seconds(cap.window) })),
    required_lists: fields.required_lists,
    join_inbound: fields.join_inbound,
  } as Settings
}

/** What only the page can say: lengths of time that can’t be read. */
export function unreadable(fields: Fields): FieldError[] {
  const wrong = (field: string, text: string): FieldError[] =>
    readDuration(text) === null ? [{ field, message: `“${text}” can’t be read; ${HOW_TO_WRITE}` }] : []
  return [
    ...wrong('callback_delay_seconds', fields.callback_delay),
    ...wrong('callback_tolerance_seconds', fields.callback_tolerance),
    ...Object.entries(fields.retry).flatMap(([name, rule]) =>
      list(rule.delays).flatMap((text) => wrong(`retry.${name}.delays_seconds`, text)),
    ),
    ...fields.caps.flatMap((cap, index) => wrong(`frequency_caps.${index}.window_seconds`, cap.window)),
  ]
}

/** What a preset asks for, put into the form where it says something. */
export function withPreset(fields: Fields, preset: Preset | undefined): Fields {
  if (!preset) return { ...fields, preset: null }
  return {
    ...fields,
    preset: preset.name,
    ...(preset.weekly ? { weekly: wholeWeek(preset.weekly), use_callee_time_zone: true } : {}),
    ...(preset.public_holidays
      ? { holiday_country: preset.public_holidays.country, holiday_subdivision: preset.public_holidays.subdivision ?? '' }
      : {}),
    ...(preset.requires_consent ? { requires_consent: true } : {}),
    ...(preset.frequency_caps.length > 0
      ? { caps: preset.frequency_caps.map((cap) => ({ calls: cap.calls, window: writtenDuration(cap.window_seconds) })) }
      : {}),
  }
}

// --- steps -----------------------------------------------------------------------------------------------------------

export const STEPS = [
  { title: 'Basics', owns: ['name', 'description', 'type', 'inbound'] },
  { title: 'Agent and numbers', owns: ['agent_id', 'caller_numbers', 'custom_prompt', 'default_country', 'success_rule'] },
  {
    title: 'Schedule and limits',
    owns: ['preset', 'schedule', 'limits', 'retry', 'callback_delay_seconds', 'callback_tolerance_seconds', 'frequency_caps'],
  },
  { title: 'Contacts', owns: ['requires_consent', 'required_lists', 'join_inbound'] },
] as const

const isOf = (field: string, name: string): boolean => field === name || field.startsWith(`${name}.`)
export const errorsOfStep = (errors: readonly FieldError[], step: number): FieldError[] =>
  errors.filter(({ field }) => STEPS[step]!.owns.some((name) => isOf(field, name)))

/** Finds what is said of a field, or of a part of it. */
export type Wrong = (name: string, options?: { exactly?: boolean }) => string | undefined
export const wrongOf =
  (errors: readonly FieldError[]): Wrong =>
  (name, options) => {
    const found = errors.filter(({ field }) => (options?.exactly ? field === name : isOf(field, name)))
    return found.map(({ field, message }) => `${whichOne(field)}${message}`).join('; ') || undefined
  }
/** Of a list, which of its values is wrong. */
function whichOne(field: string): string {
  const index = /\.(\d+)$/.exec(field)
  return index ? `no. ${Number(index[1]) + 1}: ` : ''
}

/** Of what was refused: what is still as it was when it was sent. */
export const stillSo = (errors: readonly FieldError[], sent: Settings | null, now: Settings): FieldError[] =>
  errors.filter(({ field }) => same(at(sent, field), at(now, field)))

/** What no field of the form shows. */
export const otherErrors = (problem: Problem): FieldError[] =>
  problem.errors.filter((error) => !STEPS.some((_, step) => errorsOfStep([error], step).length > 0))

// --- what is sent ---------------------------------------------------------------------------------------------------

/** The merge patch that makes `after` of `before`. */
export function patchOf(before: Settings, after: Settings): Patch {
  const patch = difference(before as unknown as Tree, after as unknown as Tree)
  delete patch.preset_version // the server's
  if (after.preset !== null && after.preset !== before.preset) {
    // Another preset fills in what isn't named: name what the form shows.
    const { weekly, use_callee_time_zone, public_holidays } = after.schedule
    const days = Object.fromEntries(Object.keys(before.schedule.weekly ?? {}).map((name) => [name, null as unknown]))
    patch.schedule = {
      ...(patch.schedule as Tree | undefined),
      weekly: { ...days, ...weekly },
      use_callee_time_zone,
      ...(public_holidays ? { public_holidays } : {}),
    }
    patch.requires_consent = after.requires_consent
    patch.frequency_caps = after.frequency_caps
  }
  return patch
}
