// The windows of a week: [start, end) in local time per weekday; an end at or before the start lies on the next day.
export const WEEKDAYS = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
} as const
export type Weekday = keyof typeof WEEKDAYS
export type Hours = [string, string][]
export type Week = Record<Weekday, Hours>
export const DAYS = Object.keys(WEEKDAYS) as Weekday[]
export const DAY_MINUTES = 1440
const WEEK_MINUTES = 7 * DAY_MINUTES

/** A week with every weekday in it. */
export const wholeWeek = (weekly: { [day: string]: Hours } | undefined): Week =>
  Object.fromEntries(DAYS.map((day) => [day, weekly?.[day] ?? []])) as Week

/** Minutes since midnight, 0 to 1440; null for what is no time of day. */
function minutesOf(text: string): number | null {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim())
  if (!found) return null
  const minutes = Number(found[1]) * 60 + Number(found[2])
  return Number(found[2]) < 60 && minutes <= DAY_MINUTES ? minutes : null
}

export const timeOf = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`

/** `9:00` as the server wants it; what is no time stays, for the server to say so. */
export function tidyTime(text: string): string {
  const minutes = minutesOf(text)
  return minutes === null ? text.trim() : timeOf(minutes)
}

/** Which minutes of the week are open, from Monday’s midnight; windows that can’t be read are left out. */
export function openMinutes(week: Week): Uint8Array {
  const open = new Uint8Array(WEEK_MINUTES)
  DAYS.forEach((day, number) => {
    for (const [from, to] of week[day]) {
      const [start, end] = [minutesOf(from), minutesOf(to)]
      if (start === null || end === null || start === end) continue
      const last = end > start ? end : end + DAY_MINUTES
      for (let minute = start; minute < last; minute++) open[(number * DAY_MINUTES + minute) % WEEK_MINUTES] = 1
    }
  })
  return open
}

const isOvernight = ([from, to]: [string, string]): boolean => {
  const [start, end] = [minutesOf(from), minutesOf(to)]
  return start !== null && end !== null && end < start && end > 0
}

export type Area = { days: [number, number]; minutes: [number, number] }

/** The week with an area opened or closed. Windows over midnight are cut there; untouched days stay as they are. */
export function painted(week: Week, area: Area, isOpen: boolean): Week {
  const open = openMinutes(week)
  const anyOvernight = DAYS.some((day) => week[day].some(isOvernight))
  const touched = (number: number): boolean => number >= area.days[0] && number <= area.days[1]
  DAYS.forEach((_, number) => {
    if (touched(number)) open.fill(isOpen ? 1 : 0, number * DAY_MINUTES + area.minutes[0], number * DAY_MINUTES + area.minutes[1])
  })
  return Object.fromEntries(
    DAYS.map((day, number) => [day, touched(number) || anyOvernight ? hoursOf(open, number) : week[day]]),
  ) as Week
}

function hoursOf(open: Uint8Array, number: number): Hours {
  const minutes = open.subarray(number * DAY_MINUTES, (number + 1) * DAY_MINUTES)
  const hours: Hours = []
  let start: number | null = null
  for (let minute = 0; minute <= DAY_MINUTES; minute++) {
    if (minute < DAY_MINUTES && minutes[minute]) start ??= minute
    else if (start !== null) {
      hours.push([timeOf(start), timeOf(minute)])
      start = null
    }
  }
  return hours
}

/** “Mon–Fri 09:00–18:00; Sat 10:00–14:00”. */
export function weekInWords(weekly: { [day: string]: Hours } | null | undefined): string {
  const week = wholeWeek(weekly ?? undefined)
  const says = (day: Weekday): string => week[day].map(([from, to]) => `${from}–${to}`).join(', ')
  const parts: string[] = []
  for (let first = 0; first < DAYS.length; ) {
    let last = first
    while (last + 1 < DAYS.length && says(DAYS[last + 1]!) === says(DAYS[first]!)) last++
    const words = says(DAYS[first]!)
    const short = (number: number): string => WEEKDAYS[DAYS[number]!].slice(0, 3)
    if (words) parts.push(`${short(first)}${last > first ? `–${short(last)}` : ''} ${words}`)
    first = last + 1
  }
  return parts.join('; ') || 'closed all week'
}
