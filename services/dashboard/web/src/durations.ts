// Lengths of time as people write them: “15 min”, “1 h 30 min”, “2 d”.
const UNITS = { d: 86_400, h: 3600, min: 60, s: 1 } as const
const PART = /^(\d{1,9})\s*(s|min|h|d)\s*/i
export const HOW_TO_WRITE = 'write a number and s, min, h or d, such as 15 min or 2 h'

export function writtenDuration(seconds: number): string {
  const parts: string[] = []
  let rest = seconds
  for (const [unit, size] of Object.entries(UNITS)) {
    const some = Math.floor(rest / size)
    if (some > 0) parts.push(`${some} ${unit}`)
    rest -= some * size
  }
  return parts.join(' ') || '0 s'
}

/** In seconds; null for what can’t be read. */
export function readDuration(text: string): number | null {
  let rest = text.trim()
  let seconds = 0
  if (rest === '') return null
  while (rest !== '') {
    const part = PART.exec(rest)
    if (!part) return null
    seconds += Number(part[1]) * UNITS[part[2]!.toLowerCase() as keyof typeof UNITS]
    rest = rest.slice(part[0].length)
  }
  return seconds
}
