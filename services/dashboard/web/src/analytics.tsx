// What a campaign has come to: figures with their formulas, contacts by status, and how it went day by day.
import { Box, Button, Group, SimpleGrid, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { lazy, Suspense, useRef } from 'react'
import { figuresQuery, type Figures } from './api'
import { useCampaign } from './campaign-page'
import { savePicture } from './chart-picture'
import { ContactsByStatus } from './contacts-by-status'
import { Figure, FORMULAS } from './figure'
import { csvLine, fileName, saveFile } from './save-file'
import { Answer } from './trouble'
import { count, day, duration, percent } from './words'

const DaysChart = lazy(() => import('./days-chart').then((module) => ({ default: module.DaysChart })))

export function Analytics() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId/analytics' })
  const name = useCampaign(campaignId).data?.name ?? 'campaign'
  const query = figuresQuery.useQuery('get', '/v1/campaigns/{campaign_id}/analytics', {
    params: { path: { campaign_id: campaignId } },
  })
  return (
    <Answer of={query} rows={8}>
      {(analytics) => (
        <Stack gap="lg">
          <Rates analytics={analytics} />
          {analytics.contacts.total > 0 ? (
            <section aria-label="Contacts by status">
              <Title order={2} mb="sm">
                Contacts by status
              </Title>
              <ContactsByStatus campaignId={campaignId} contacts={analytics.contacts} />
            </section>
          ) : null}
          <Days analytics={analytics} name={name} />
        </Stack>
      )}
    </Answer>
  )
}

function Rates({ analytics }: { analytics: Figures['Analytics'] }) {
  const { figures, type, abandoned_30_days: abandoned, contacts } = analytics
  const isInbound = type === 'inbound'
  return (
    <section aria-label="Figures">
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="sm">
        {isInbound ? null : (
          <>
            <Figure
              name="Progress"
              value={percent(figures.progress)}
              formula={FORMULAS.progress}
              note={`${count(figures.reached)} of ${count(contacts.total)} reached`}
            />
            <Figure name="Worked" value={percent(figures.worked)} formula={FORMULAS.worked} />
          </>
        )}
        <Figure
          name="Success rate"
          value={percent(figures.success_rate)}
          formula={isInbound ? FORMULAS.successInbound : FORMULAS.success}
          note={`${count(figures.completed)} / ${count(isInbound ? figures.received : figures.placed)} calls`}
        />
        <Figure
          name="Answer rate"
          value={percent(figures.answer_rate)}
          formula={isInbound ? FORMULAS.answerInbound : FORMULAS.answer}
          note={`${count(figures.answered)} / ${count(isInbound ? figures.received : figures.placed)} calls`}
        />
        <Figure
          name="Conversion"
          value={percent(figures.conversion)}
          formula={FORMULAS.conversion}
          note={`${count(figures.completed)} / ${count(figures.answered)} answered`}
        />
        <Figure name="Average duration" value={duration(figures.average_call_duration_seconds)} formula={FORMULAS.duration} />
        <Figure
          name="Abandoned, 30 days"
          value={percent(abandoned.rate)}
          formula={FORMULAS.abandoned}
          note={
            abandoned.ceiling === null ? (
              `${count(abandoned.abandoned)} / ${count(abandoned.answered)} answered`
            ) : (
              <>
                {abandoned.above_ceiling ? 'Above' : 'Within'} the preset’s ceiling of {percent(abandoned.ceiling)}
              </>
            )
          }
        />
      </SimpleGrid>
    </section>
  )
}

type DaysProps = { analytics: Figures['Analytics']; name: string }

function Days({ analytics, name }: DaysProps) {
  const picture = useRef<HTMLDivElement>(null)
  const { days, time_zone: zone, type } = analytics
  const isInbound = type === 'inbound'
  const calls = isInbound ? 'Received' : 'Placed'
  return (
    <section aria-label="Progress over time">
      <Group justify="space-between" mb="sm" gap="sm">
        <Stack gap={0}>
          <Title order={2}>Progress over time</Title>
          <Text size="sm" c="dimmed">
            Days in {zone}, by the time the call started
          </Text>
        </Stack>
        {days.length > 0 ? (
          <Group gap="xs">
            <Button variant="default" onClick={() => saveFile(fileName(name, 'days', 'csv'), daysCsv(analytics))}>
              Export CSV
            </Button>
            <Button
              variant="default"
              onClick={() => {
                if (picture.current) void savePicture(picture.current, `${name}: progress over time (${zone})`, fileName(name, 'days', 'png'))
              }}
            >
              Export PNG
            </Button>
          </Group>
        ) : null}
      </Group>
      {days.length === 0 ? (
        <Text className="surface" p="lg" c="dimmed" ta="center">
          No calls yet. Every day with calls gets its row and its bar here.
        </Text>
      ) : (
        <Stack gap="md">
          <Box className="surface" p="md" ref={picture}>
            <Suspense fallback={<Skeleton height={300} />}>
              <DaysChart days={days} />
            </Suspense>
          </Box>
          <Table.ScrollContainer
            minWidth={900}
            maxHeight={520}
            className="surface"
            scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Days as numbers' } }}
          >
            <Table className="table" aria-label="Day by day">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Day</Table.Th>
                  {[calls, 'Answered', 'Completed', 'Failed', 'No answer', 'Voicemail', 'Do not call', 'Rescheduled', 'Newly reached', 'Reached in all', 'Average'].map((heading) => (
                    <Table.Th key={heading} ta="right">
                      {heading}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {days.toReversed().map((each) => (
                  <Table.Tr key={each.day}>
                    <Table.Td className="number">{day(each.day)}</Table.Td>
                    {numbersOf(each).map((value, index) => (
                      <Table.Td key={index} ta="right" className="number">
                        {count(value)}
                      </Table.Td>
                    ))}
                    <Table.Td ta="right" className="number">
                      {duration(each.average_call_duration_seconds)}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Stack>
      )}
    </section>
  )
}

type Day = Figures['Day']
const numbersOf = (each: Day): (number | null)[] => [
  each.placed ?? each.received,
  each.answered,
  each.completed,
  each.failed,
  each.no_answer,
  each.voicemail,
  each.do_not_call,
  each.rescheduled,
  each.reached,
  each.cumulative_reached,
]

function daysCsv({ days, time_zone, type }: Figures['Analytics']): Blob {
  const heading = [
    `day (${time_zone})`,
    type === 'inbound' ? 'received' : 'placed',
    'answered',
    'completed',
    'failed',
    'no_answer',
    'voicemail',
    'do_not_call',
    'rescheduled',
    'newly_reached',
    'cumulative_reached',
    'average_call_duration_seconds',
  ]
  const lines = days.map((each) => csvLine([each.day, ...numbersOf(each), each.average_call_duration_seconds]))
  return new Blob(['\ufeff', [csvLine(heading), ...lines, ''].join('\r\n')], { type: 'text/csv;charset=utf-8' })
}
