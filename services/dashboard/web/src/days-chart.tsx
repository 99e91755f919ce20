// The days as pictures; the numbers stand in the table below them.
import '@mantine/charts/styles.css'
import { AreaChart, BarChart } from '@mantine/charts'
import { SimpleGrid, Stack, Text } from '@mantine/core'
import { memo } from 'react'
import type { Figures } from './api'
import { count, day } from './words'

const VERDICTS = [
  { name: 'completed', label: 'Completed', color: 'teal.6' },
  { name: 'rescheduled', label: 'Rescheduled', color: 'indigo.5' },
  { name: 'no_answer', label: 'No answer', color: 'yellow.5' },
  { name: 'voicemail', label: 'Voicemail', color: 'grape.5' },
  { name: 'failed', label: 'Failed', color: 'red.6' },
  { name: 'do_not_call', label: 'Do not call', color: 'gray.6' },
]
const REACHED = [{ name: 'cumulative_reached', label: 'Reached in all', color: 'brand.5' }]

type Props = { days: Figures['Day'][] }

/** Drawn anew only when the days are others: an event stream re-renders the page around it all the time. */
export const DaysChart = memo(
  function DaysChart({ days }: Props) {
    const data = days.map((each) => ({ ...each, label: day(each.day) }))
    return (
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <Stack gap="xs">
          <Text fw={550}>Calls by what they came to</Text>
          <BarChart
            h={280}
            type="stacked"
            data={data}
            dataKey="label"
            series={VERDICTS}
            withLegend
            maxBarWidth={48}
            valueFormatter={count}
            yAxisProps={{ allowDecimals: false }}
            barChartProps={{ accessibilityLayer: false }}
            barProps={{ isAnimationActive: false }}
            role="img"
            aria-label="Calls a day by what they came to; the table below has the numbers"
          />
        </Stack>
        <Stack gap="xs">
          <Text fw={550}>Contacts reached in all</Text>
          <AreaChart
            h={280}
            data={data}
            dataKey="label"
            series={REACHED}
            withLegend
            withDots={days.length < 40}
            valueFormatter={count}
            yAxisProps={{ allowDecimals: false }}
            areaChartProps={{ accessibilityLayer: false }}
            areaProps={{ isAnimationActive: false }}
            role="img"
            aria-label="Contacts reached in all, day by day; the table below has the numbers"
          />
        </Stack>
      </SimpleGrid>
    )
  },
  (before, after) => JSON.stringify(before.days) === JSON.stringify(after.days),
)
