// A campaign now: what its dialling does, what it waits for and why, and what keeps contacts back.
import { Anchor, Badge, Box, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useRef, type ReactNode } from 'react'
import { dialerQuery, type Dialer, type Figures } from './api'
import { useCampaign } from './campaign-page'
import { ContactsByStatus } from './contacts-by-status'
import { Figure, FORMULAS } from './figure'
import { Note } from './note'
import { becauseOf, breakerBecause, heldBecause, OUTCOMES, plain } from './reasons'
import { Answer } from './trouble'
import { count, duration, percent, plural, Time } from './words'

type Dialing = Dialer['DialingStatus']
type Detail = { campaign: Figures['Campaign']; zone: string }
const REREAD_MS = 2_000

export function Overview() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId/' })
  return (
    <Answer of={useCampaign(campaignId)}>
      {(campaign) => {
        const zone = campaign.settings.schedule.time_zone
        const numbers = campaign.settings.caller_numbers.length
        return (
          <Stack gap="lg">
            {campaign.status === 'draft' ? (
              <Draft campaign={campaign} hasNumber={numbers > 0} />
            ) : (
              <Now campaign={campaign} zone={zone} />
            )}
            <KeyFigures campaign={campaign} />
            {campaign.contacts.total > 0 ? (
              <section aria-label="Contacts by status">
                <Title order={2} mb="sm">
                  Contacts
                </Title>
                <ContactsByStatus campaignId={campaignId} contacts={campaign.contacts} />
              </section>
            ) : null}
          </Stack>
        )
      }}
    </Answer>
  )
}

// --- before the start ------------------------------------------------------------------------------------------------

function Draft({ campaign, hasNumber }: { campaign: Figures['Campaign']; hasNumber: boolean }) {
  const params = { campaignId: campaign.id }
  const steps: [boolean, string, ReactNode][] = [
    [
      campaign.agent_id !== null,
      'An agent',
      <Link to="/campaigns/$campaignId/settings" params={params}>
        Choose one in the settings
      </Link>,
    ],
    [
      hasNumber,
      'A phone number',
      <Link to="/campaigns/$campaignId/settings" params={params}>
        Give it one in the settings
      </Link>,
    ],
  ]
  if (campaign.type === 'outbound')
    steps.push([
      campaign.contacts.total > 0,
      'Contacts',
      <Link to="/campaigns/$campaignId/import" params={params}>
        Import a file of contacts
      </Link>,
    ])
  const isReady = steps.every(([done]) => done)
  return (
    <Box className="surface" p="md" component="section" aria-label="Before it can start">
      <Title order={2} mb="xs">
        {isReady ? 'Ready to start' : 'Before it can start'}
      </Title>
      <Stack gap={6} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {steps.map(([done, name, how]) => (
          <Group key={name} gap="xs" component="li">
            <Badge color={done ? 'teal' : 'yellow'} miw={92}>
              {done ? 'There' : 'Missing'}
            </Badge>
            <Text span>{name}</Text>
            {done ? null : how}
          </Group>
        ))}
      </Stack>
      <Text c="dimmed" mt="sm">
        Nothing is called before somebody starts it.
      </Text>
    </Box>
  )
}

// --- as it runs ------------------------------------------------------------------------------------------------------

function Now({ campaign, zone }: Detail) {
  const runs = campaign.status === 'running'
  const query = dialerQuery.useQuery(
    'get',
    '/v1/dialing/{campaign_id}',
    { params: { path: { campaign_id: campaign.id } } },
    { refetchInterval: runs ? REREAD_MS : 30_000 },
  )
  const speed = useSpeed(query.data, query.dataUpdatedAt)
  return (
    <Answer of={query} rows={3}>
      {(dialing) => (
        <Stack gap="md">
          <Sentence dialing={dialing} zone={zone} />
          {campaign.status === 'running' || dialing.live_calls > 0 ? (
            <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
              <Figure
                name="Live calls"
                value={`${count(dialing.live_calls)} / ${count(dialing.limits.max_simultaneous_calls)}`}
                note="now, of those allowed"
              />
              {campaign.type === 'outbound' ? (
                <>
                  <Figure
                    name="Calls a second"
                    value={`${speed === null ? '–' : speed.toFixed(1)} / ${count(dialing.limits.calls_per_second)}`}
                    note="lately, of those allowed"
                  />
                  <Figure
                    name="Calls today"
                    value={
                      dialing.limits.calls_per_day == null
                        ? count(dialing.calls_today)
                        : `${count(dialing.calls_today)} / ${count(dialing.limits.calls_per_day)}`
                    }
                    note={`day in ${zone}`}
                  />
                  <Figure
                    name="Still to call"
                    value={count(dialing.queued)}
                    note={`${count(dialing.due_now)} due now`}
                  />
                </>
              ) : (
                <>
                  <Figure name="Calls today" value={count(dialing.calls_today)} note={`day in ${zone}`} />
                  <Figure name="Not let in today" value={count(dialing.turned_away_today)} note="the calls list says why" />
                </>
              )}
            </SimpleGrid>
          ) : null}
          <Held dialing={dialing} />
          {dialing.state === 'finished' ? null : <Trunks trunks={dialing.trunks} />}
        </Stack>
      )}
    </Answer>
  )
}

const SPAN_MS = 10_000

/** Calls a second over the last ten seconds or so, from two readings of the day's count. */
function useSpeed(dialing: Dialing | undefined, at: number): number | null {
  const readings = useRef<{ at: number; calls: number }[]>([])
  if (!dialing) return null
  const last = readings.current.at(-1)
  if (last && dialing.calls_today < last.calls) readings.current = [] // a new day
  if (last?.at !== at) readings.current.push({ at, calls: dialing.calls_today })
  readings.current = readings.current.filter((reading) => reading.at >= at - SPAN_MS)
  const first = readings.current[0]
  if (!first || at - first.at < 1_500) return null
  return ((dialing.calls_today - first.calls) * 1000) / (at - first.at)
}

const TONES = {
  dialing: 'good',
  answering: 'good',
  waiting: 'waits',
  closed: 'waits',
  idle: 'over',
  paused: 'stopped',
  finished: 'over',
} as const

function Sentence({ dialing, zone }: { dialing: Dialing; zone: string }) {
  const { state, reason, waiting_until: until } = dialing
  const because = becauseOf(reason)
  const words: Record<Dialing['state'], [string, ReactNode]> = {
    dialing: [
      'Calling now',
      reason === 'ready' ? null : <>The next call waits a moment, because {because}.</>,
    ],
    waiting: [
      until ? 'Waiting' : 'Waiting, until that changes',
      until ? (
        <>
          Waiting until <Time at={until} zone={zone} /> because {because}.
        </>
      ) : (
        <>Nobody is called, because {because}.</>
      ),
    ],
    answering: ['Answering calls', 'Those who ring in are put through to the agent.'],
    closed: [
      'Closed: calls are not let in',
      until ? (
        <>
          Until <Time at={until} zone={zone} />, because {because}.
        </>
      ) : (
        <>Because {because}.</>
      ),
    ],
    idle: ['Nobody is left to call', 'All contacts are finished, or wait for a call in progress to end.'],
    paused: [
      'Paused',
      dialing.live_calls > 0
        ? `${plural(dialing.live_calls, 'call')} in progress will finish; no new call starts.`
        : 'No new call starts. Resume goes on with the contacts left.',
    ],
    finished: ['Finished', 'No call is placed any more.'],
  }
  const [title, text] = words[state]
  return (
    <Note tone={reason === 'workspace_paused' ? 'stopped' : TONES[state]} title={title} name="Now">
      {text ? <Text>{text}</Text> : null}
      {dialing.next_possible_at && state === 'waiting' && dialing.next_possible_at !== until ? (
        <Text c="dimmed" mt={4}>
          Next possible call: <Time at={dialing.next_possible_at} zone={zone} />
        </Text>
      ) : null}
    </Note>
  )
}

function Held({ dialing }: { dialing: Dialing }) {
  const held = Object.entries(dialing.held)
  if (held.length === 0) return null
  return (
    <Box className="surface" p="md" component="section" aria-label="Held back">
      <Title order={2} mb={4}>
        Held back just now
      </Title>
      <Text c="dimmed" size="sm" mb="sm">
        These contacts are due, but a rule is in the way. They are asked for again by themselves.
      </Text>
      <Stack gap={4} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {held.map(([reason, some]) => (
          <Group key={reason} gap="md" component="li" wrap="nowrap">
            <Text span fw={600} className="number" miw={48} ta="right">
              {count(some)}
            </Text>
            <Text span>{heldBecause(reason)}</Text>
          </Group>
        ))}
      </Stack>
    </Box>
  )
}

const BREAKERS = {
  closed: { word: 'Calls go', color: 'teal' },
  open: { word: 'Left alone', color: 'red' },
  probing: { word: 'Being tried', color: 'yellow' },
} as const

function Trunks({ trunks }: { trunks: Dialer['TrunkState'][] }) {
  if (trunks.length === 0) return null
  return (
    <Box className="surface" p="md" component="section" aria-label="Trunks">
      <Title order={2} mb="sm">
        Trunks of its calls
      </Title>
      <Stack gap="sm">
        {trunks.map((trunk) => (
          <Stack gap={4} key={trunk.id}>
            <Group gap="md">
              <Text fw={600}>{trunk.id}</Text>
              <Badge color={BREAKERS[trunk.breaker.state].color}>{BREAKERS[trunk.breaker.state].word}</Badge>
              <Text size="sm" c="dimmed" className="number">
                {count(trunk.live_calls)}
                {trunk.max_calls == null ? '' : ` / ${count(trunk.max_calls)}`} live calls
                {trunk.calls_per_second == null ? '' : ` · at most ${count(trunk.calls_per_second)} a second`}
              </Text>
            </Group>
            {trunk.breaker.state === 'closed' ? null : <Breaker breaker={trunk.breaker} />}
          </Stack>
        ))}
      </Stack>
    </Box>
  )
}

function Breaker({ breaker }: { breaker: Dialer['BreakerState'] }) {
  return (
    <Text size="sm">
      {breaker.cause ? `Because ${breakerBecause(breaker.cause).replace(/^[A-Z]/, (first) => first.toLowerCase())}` : 'It fails'}
      : {count(breaker.failed)} of {plural(breaker.calls, 'call')} failed
      {breaker.reasons.length > 0
        ? ` (${breaker.reasons
            .slice(0, 3)
            .map((each) => `${each.words ?? OUTCOMES[each.outcome] ?? plain(each.outcome)}${each.sip_code ? `, SIP ${each.sip_code}` : ''}: ${count(each.calls)}`)
            .join('; ')})`
        : ''}
      .{' '}
      {breaker.probe_at ? (
        <>
          A call tries it again from <Time at={breaker.probe_at} seconds />.{' '}
        </>
      ) : null}
      <Anchor component={Link} to="/health" size="sm">
        Health
      </Anchor>
    </Text>
  )
}

// --- figures ---------------------------------------------------------------------------------------------------------

function KeyFigures({ campaign }: { campaign: Figures['Campaign'] }) {
  const { figures } = campaign
  const isInbound = campaign.type === 'inbound'
  return (
    <section aria-label="Figures">
      <Title order={2} mb="sm">
        So far
      </Title>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Figure
          name={isInbound ? 'Calls received' : 'Calls placed'}
          value={count(isInbound ? figures.received : figures.placed)}
          note={`${count(figures.answered)} answered by a person`}
        />
        <Figure
          name="Success rate"
          value={percent(figures.success_rate)}
          formula={isInbound ? FORMULAS.successInbound : FORMULAS.success}
          note={`${count(figures.completed)} completed`}
        />
        <Figure
          name="Answer rate"
          value={percent(figures.answer_rate)}
          formula={isInbound ? FORMULAS.answerInbound : FORMULAS.answer}
        />
        <Figure name="Average duration" value={duration(figures.average_call_duration_seconds)} formula={FORMULAS.duration} />
      </SimpleGrid>
    </section>
  )
}

