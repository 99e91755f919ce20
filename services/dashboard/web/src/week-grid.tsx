// The hours of a week in which may be called: painted on a grid, or written as from–to (always on phones, where a grid
// that is dragged would fight the page's scrolling).
import { ActionIcon, Box, Button, Group, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import type { Wrong } from './campaign-form'
import './week-grid.css'
import { DAY_MINUTES, DAYS, openMinutes, painted, tidyTime, timeOf, WEEKDAYS, weekInWords, type Hours, type Week, type Weekday } from './week'

const SLOT_MINUTES = 30
const SLOTS = DAY_MINUTES / SLOT_MINUTES

type Props = { week: Week; onChange: (week: Week) => void; wrong: Wrong }

export function WeekHours({ week, onChange, wrong }: Props) {
  const small = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false })
  const [view, setView] = useState<'grid' | 'times'>('grid')
  return (
    <Stack gap="xs" role="group" aria-label="Calling hours">
      <Group justify="space-between" align="flex-end" gap="xs">
        <div>
          <Text size="sm" fw={500}>
            Calling hours
          </Text>
          <Text size="sm" c="dimmed" aria-live="polite">
            {weekInWords(week)}
          </Text>
        </div>
        {small ? null : (
          <SegmentedControl
            size="xs"
            aria-label="How to set the hours"
            value={view}
            onChange={(value) => setView(value as 'grid' | 'times')}
            data={[
              { value: 'grid', label: 'Grid' },
              { value: 'times', label: 'From–to' },
            ]}
          />
        )}
      </Group>
      {small || view === 'times' ? (
        <Times week={week} onChange={onChange} wrong={wrong} />
      ) : (
        <Grid week={week} onChange={onChange} />
      )}
      {DAYS.map((day) => ({ day, message: wrong(`schedule.weekly.${day}`) })).map(({ day, message }) =>
        message ? (
          <Text key={day} size="sm" c="var(--mantine-color-error)">
            {WEEKDAYS[day]}: {message}
          </Text>
        ) : null,
      )}
    </Stack>
  )
}

// --- the grid --------------------------------------------------------------------------------------------------------

type Cell = { day: number; slot: number }
type Drag = { from: Cell; to: Cell; opens: boolean }
const between = (from: number, to: number): [number, number] => (from < to ? [from, to] : [to, from])

function Grid({ week, onChange }: Pick<Props, 'week' | 'onChange'>) {
  const open = useMemo(() => openMinutes(week), [week])
  const [active, setActive] = useState<Cell>({ day: 0, slot: 18 })
  const [drag, setDrag] = useState<Drag | null>(null)
  const grid = useRef<HTMLDivElement>(null)
  const share = (day: number, slot: number): number => {
    const start = day * DAY_MINUTES + slot * SLOT_MINUTES
    let minutes = 0
    for (let minute = start; minute < start + SLOT_MINUTES; minute++) minutes += open[minute]!
    return minutes / SLOT_MINUTES
  }
  const paint = ({ from, to, opens }: Drag): void => {
    const [firstSlot, lastSlot] = between(from.slot, to.slot)
    onChange(
      painted(
        week,
        { days: between(from.day, to.day), minutes: [firstSlot * SLOT_MINUTES, (lastSlot + 1) * SLOT_MINUTES] },
        opens,
      ),
    )
  }
  useEffect(() => {
    if (!drag) return undefined
    const end = (): void => {
      paint(drag)
      setDrag(null)
    }
    const drop = (): void => setDrag(null) // the browser took it for scrolling
    window.addEventListener('pointerup', end)
    window.addEventListener('pointercancel', drop)
    return () => {
      window.removeEventListener('pointerup', end)
      window.removeEventListener('pointercancel', drop)
    }
  })
  const cellOf = (target: EventTarget): Cell | null => {
    const { day, slot } = (target as HTMLElement).dataset
    return day === undefined || slot === undefined ? null : { day: Number(day), slot: Number(slot) }
  }
  const onDown = (event: PointerEvent): void => {
    const cell = cellOf(event.target)
    if (!cell || event.button !== 0) return
    ;(event.target as HTMLElement).releasePointerCapture(event.pointerId) // touch holds on to the first cell
    setActive(cell)
    setDrag({ from: cell, to: cell, opens: share(cell.day, cell.slot) < 1 })
  }
  const onOver = (event: PointerEvent): void => {
    const cell = drag ? cellOf(event.target) : null
    if (drag && cell) setDrag({ ...drag, to: cell })
  }
  const onKey = (event: KeyboardEvent): void => {
    const cell = drag?.to ?? active
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -SLOTS], End: [0, SLOTS] }[event.key]
    if (step) {
      event.preventDefault()
      const next = {
        day: Math.min(6, Math.max(0, active.day + step[0]!)),
        slot: Math.min(SLOTS - 1, Math.max(0, active.slot + step[1]!)),
      }
      setActive(next)
      grid.current?.querySelector<HTMLElement>(`[data-day="${next.day}"][data-slot="${next.slot}"]`)?.focus()
      // With Shift, what the focus passes over becomes what the first cell is.
      if (event.shiftKey) paint({ from: active, to: next, opens: share(active.day, active.slot) === 1 })
    } else if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault()
      paint({ from: cell, to: cell, opens: share(cell.day, cell.slot) < 1 })
    }
  }
  const dragged = (day: number): string => {
    if (!drag) return ''
    const [firstDay, lastDay] = between(drag.from.day, drag.to.day)
    return day < firstDay || day > lastDay ? '' : `${between(drag.from.slot, drag.to.slot)} ${drag.opens}`
  }
  return (
    <Stack gap={4}>
      <Box
        ref={grid}
        className="week"
        role="grid"
        aria-label="Calling hours, half an hour a cell"
        onPointerDown={onDown}
        onPointerOver={onOver}
        onKeyDown={onKey}
      >
        <div role="row" aria-hidden>
          <span />
          {Array.from({ length: 8 }, (_, part) => (
            <span key={part} className="hour">
              {timeOf(part * 180)}
            </span>
          ))}
        </div>
        {DAYS.map((day, number) => (
          <Row
            key={day}
            day={day}
            number={number}
            shares={Array.from({ length: SLOTS }, (_, slot) => share(number, slot)).join()}
            active={active.day === number ? active.slot : null}
            drag={dragged(number)}
          />
        ))}
      </Box>
      <Text size="xs" c="dimmed">
        Drag to open or to close hours. With the keyboard: arrows move, Space changes one, Shift and an arrow goes on.
      </Text>
    </Stack>
  )
}

type RowProps = { day: Weekday; number: number; shares: string; active: number | null; drag: string }

/** `shares` and `drag` are texts, so that a row is drawn anew only when it looks different. */
const Row = memo(function Row({ day, number, shares, active, drag }: RowProps) {
  const [range, opens] = drag.split(' ')
  const [first, last] = range ? range.split(',').map(Number) : [1, 0]
  return (
    <div role="row">
      <span role="rowheader">{WEEKDAYS[day].slice(0, 3)}</span>
      {shares.split(',').map((share, slot) => {
        const isDragged = slot >= first! && slot <= last!
        const looks = [
          slot % 2 === 0 ? 'even' : '',
          isDragged ? (opens === 'true' ? 'opening' : 'closing') : share !== '0' && share !== '1' ? 'part' : '',
        ]
        return (
          <div
            key={slot}
            role="gridcell"
            className={looks.join(' ')}
            tabIndex={slot === active ? 0 : -1}
            aria-selected={share === '1'}
            aria-label={`${WEEKDAYS[day]} ${timeOf(slot * SLOT_MINUTES)}–${timeOf((slot + 1) * SLOT_MINUTES)}${
              share !== '0' && share !== '1' ? ', partly open' : ''
            }`}
            data-day={number}
            data-slot={slot}
          />
        )
      })}
    </div>
  )
})

// --- from–to ---------------------------------------------------------------------------------------------------------

function Times({ week, onChange }: Props) {
  const set = (day: Weekday, hours: Hours): void => onChange({ ...week, [day]: hours })
  return (
    <Stack gap={6}>
      {DAYS.map((day) => (
        <Group key={day} gap="sm" align="flex-start" wrap="nowrap" role="group" aria-label={WEEKDAYS[day]}>
          <Text w={46} lh="30px" size="sm">
            {WEEKDAYS[day].slice(0, 3)}
          </Text>
          <Group gap="xs" flex={1}>
            {week[day].map((hours, index) => (
              <Group key={index} gap={4} wrap="nowrap">
                {([0, 1] as const).map((end) => (
                  <TextInput
                    key={end}
                    size="xs"
                    w={64}
                    inputMode="numeric"
                    placeholder={end === 0 ? '09:00' : '18:00'}
                    aria-label={`${WEEKDAYS[day]} ${end === 0 ? 'from' : 'to'}${week[day].length > 1 ? `, ${index + 1}` : ''}`}
                    value={hours[end]}
                    onChange={(event) => {
                      const changed: [string, string] = [...hours]
                      changed[end] = event.currentTarget.value
                      set(day, week[day].with(index, changed))
                    }}
                    onBlur={() => set(day, week[day].with(index, [tidyTime(hours[0]), tidyTime(hours[1])]))}
                  />
                ))}
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="md"
                  aria-label={`Remove ${hours.join('–')} on ${WEEKDAYS[day]}`}
                  onClick={() => set(day, week[day].toSpliced(index, 1))}
                >
                  ×
                </ActionIcon>
              </Group>
            ))}
            {week[day].length === 0 ? (
              <Text size="sm" c="dimmed">
                closed
              </Text>
            ) : null}
            <Button
              variant="subtle"
              size="compact-xs"
              aria-label={`Add hours on ${WEEKDAYS[day]}`}
              onClick={() => set(day, [...week[day], week[day].length === 0 ? ['09:00', '18:00'] : ['', '']])}
            >
              + Add
            </Button>
          </Group>
        </Group>
      ))}
      <Group gap="xs">
        <Button
          variant="default"
          size="compact-xs"
          onClick={() => onChange({ ...week, tue: week.mon, wed: week.mon, thu: week.mon, fri: week.mon })}
        >
          Tuesday to Friday as Monday
        </Button>
      </Group>
      <Text size="xs" c="dimmed">
        Times such as 09:00, up to 24:00. An end before its start lies on the next day.
      </Text>
    </Stack>
  )
}
