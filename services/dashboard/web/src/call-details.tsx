// A call of the history: what happened when, why it was allowed, what the carrier and the agent said; and hanging up.
import { Anchor, Badge, Box, Code, Drawer, Group, Stack, Text, Timeline, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { dialer, dialerQuery, useCommand, type Dialer } from './api'
import { CommandButton } from './command-button'
import { CONVERSATIONS, OUTCOMES, plain, turnedAwayBecause } from './reasons'
import { CALL_STATES } from './searches'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { duration, Time } from './words'

type Call = Dialer['CallRecord']
export const isLive = (call: Call): boolean => !call.ended_at && !['ended', 'settled'].includes(call.status)

const COLORS: Record<string, string> = {
  human: 'teal',
  machine: 'grape',
  no_answer: 'yellow',
  busy: 'yellow',
  declined: 'yellow',
}

/** How a call stands: its state while it lasts, its outcome afterwards. */
export function CallState({ call }: { call: Call }) {
  if (call.turned_away) return <Badge color="gray.5">Not let in</Badge>
  if (call.status !== 'settled' || !call.outcome) return <Badge color="cyan">{CALL_STATES[call.status]}</Badge>
  return <Badge color={COLORS[call.outcome] ?? 'red'}>{OUTCOMES[call.outcome] ?? plain(call.outcome)}</Badge>
}

export const KINDS: Record<Call['kind'], string> = { campaign: 'To a contact', test: 'Test call', inbound: 'Rang in' }

type Props = { callId: string | undefined; zone: string; onClose: () => void }

/** One call beside the page; `zone` is the campaign's. */
export function CallDetails({ callId, zone, onClose }: Props) {
  return (
    <Drawer opened={callId !== undefined} onClose={onClose} position="right" size="lg" title="Call">
      {callId ? <Details callId={callId} zone={zone} /> : null}
    </Drawer>
  )
}

function Details({ callId, zone }: { callId: string; zone: string }) {
  const query = dialerQuery.useQuery(
    'get',
    '/v1/calls/{call_id}',
    { params: { path: { call_id: callId } } },
    { refetchInterval: (now) => (now.state.data && now.state.data.status !== 'settled' ? 1_500 : false) },
  )
  return <Answer of={query}>{(call) => <Shown call={call} zone={zone} />}</Answer>
}

function Shown({ call, zone }: { call: Call; zone: string }) {
  const mayAct = useMay('operator')
  const hangUp = useCommand((_: void) =>
    dialer.POST('/v1/calls/{call_id}/hangup', { params: { path: { call_id: call.id } } }),
  )
  return (
    <Stack gap="lg">
      <Stack gap={6}>
        <Group gap="md">
          <Text fw={600} size="lg" className="number">
            {call.number ?? 'Number no longer kept'}
          </Text>
          <CallState call={call} />
        </Group>
        <Text size="sm" c="dimmed">
          {KINDS[call.kind]}
          {call.kind === 'campaign' ? ` · attempt ${call.attempt}` : ''}
          {call.caller_number ? ` · ${call.kind === 'inbound' ? 'to' : 'from'} ${call.caller_number}` : ''}
        </Text>
        {call.kind === 'campaign' ? (
          <Link
            to="/campaigns/$campaignId/contacts/$contactId"
            params={{ campaignId: call.campaign_id, contactId: call.contact_id }}
          >
            The contact’s timeline
          </Link>
        ) : null}
      </Stack>
      {mayAct && isLive(call) ? (
        <Stack gap="xs" align="flex-start">
          <CommandButton command={hangUp} input={undefined} variant="default">
            Hang up
          </CommandButton>
          <Text size="sm" c="dimmed">
            The call ends at the carrier. Before the answer it counts as hung up by us.
          </Text>
        </Stack>
      ) : null}
      {hangUp.problem ? <Trouble error={hangUp.problem} /> : null}
      <section aria-label="What happened">
        <Title order={2} mb="sm">
          What happened
        </Title>
        <Events call={call} zone={zone} />
      </section>
      <section aria-label="Evidence">
        <Title order={2} mb="sm">
          Evidence
        </Title>
        <Facts call={call} zone={zone} />
      </section>
    </Stack>
  )
}

function Events({ call, zone }: { call: Call; zone: string }) {
  const who = call.answered_by === 'human' ? 'by a person' : call.answered_by ? `by a ${call.answered_by}` : ''
  const events: [string | null, string][] = [
    [call.created_at, call.kind === 'inbound' ? 'The call came in' : 'A permit was asked for'],
    [call.kind === 'inbound' ? null : call.started_at, 'The carrier took the call'],
    [call.ringing_at, 'The phone rang'],
    [call.answered_at, `Answered ${who}`.trim()],
    [call.ended_at, `Hung up${call.duration_seconds == null ? '' : ` after ${duration(call.duration_seconds)}`}`],
  ]
  const happened = events.filter((event): event is [string, string] => event[0] !== null)
  return (
    <Timeline active={happened.length} bulletSize={12} lineWidth={2}>
      {happened.map(([at, text]) => (
        <Timeline.Item key={text} title={<Text size="md">{text}</Text>}>
          <Text size="sm" c="dimmed">
            <Time at={at} zone={zone} seconds />
          </Text>
        </Timeline.Item>
      ))}
    </Timeline>
  )
}

function Facts({ call, zone }: { call: Call; zone: string }) {
  const facts: [string, ReactNode][] = [
    ['Not let in', call.turned_away ? turnedAwayBecause(call.turned_away) : null],
    ['Telephony', call.outcome ? (OUTCOMES[call.outcome] ?? plain(call.outcome)) : 'Not settled yet'],
    ['Conversation', call.conversation ? (CONVERSATIONS[call.conversation] ?? plain(call.conversation)) : null],
    ['Callback asked for', call.callback_at ? <Time at={call.callback_at} zone={zone} /> : null],
    ['Callback came', call.callback ? (call.callback === 'late' ? 'Late' : 'On time') : null],
    ['Somebody was there on our side', call.attended === null ? null : call.attended ? 'Yes' : 'No'],
    ['Allowed in the time zones', call.allowed_by_zones?.join(', ') || null],
    ['Allowed until', call.allowed_until ? <Time at={call.allowed_until} zone={zone} /> : null],
    ['Settings', `version ${call.settings_version}`],
    ['Agent', call.agent_id],
    ['SIP code', call.sip_code],
    ['Q.850 cause', call.q850_cause],
    ['The carrier’s words', call.raw_reason],
    ['The agent’s summary', call.summary],
    ['Recording', call.recording_url ? <Outside href={call.recording_url} /> : null],
    ['Transcript', call.transcript_url ? <Outside href={call.transcript_url} /> : null],
    ['Data', call.data && Object.keys(call.data).length > 0 ? <Code block>{JSON.stringify(call.data, null, 2)}</Code> : null],
    ['Call', <Code key="id">{call.id}</Code>],
  ]
  return (
    <Stack gap={10} component="dl" m={0}>
      {facts
        .filter(([, value]) => value !== null && value !== '')
        .map(([name, value]) => (
          <Box key={name}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" m={0} dir="auto" style={{ overflowWrap: 'anywhere' }}>
              {value}
            </Text>
          </Box>
        ))}
    </Stack>
  )
}

function Outside({ href }: { href: string }) {
  if (!/^https?:/i.test(href)) return <Code>{href}</Code>
  return (
    <Anchor href={href} target="_blank" rel="noopener noreferrer">
      {href}
    </Anchor>
  )
}
