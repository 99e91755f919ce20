// Whether everything works: the services, the trunks, and the switch that stops all calling. Admins set the workspace here.
import { Alert, Badge, Box, Button, Group, List, Modal, Stack, Table, Text, Title } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import { asProblem, command, commandQuery, dialer, dialerQuery, figuresQuery, problemOf, unreachable, useCommand, type Dialer } from './api'
import { CommandButton } from './command-button'
import { breakerBecause, OUTCOMES, plain } from './reasons'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { count, duration, plural, Time } from './words'
import { useLiveState } from './live'
import { WorkspaceSettings } from './workspace-settings'

export function Health() {
  return (
    <Stack gap="xl" maw={960}>
      <Title order={1}>Health</Title>
      <PauseAll />
      <Services />
      <Trunks />
      <WorkspaceSettings />
    </Stack>
  )
}

// --- all calling -----------------------------------------------------------------------------------------------------

function PauseAll() {
  const mayAct = useMay('operator')
  const query = commandQuery.useQuery('get', '/v1/workspace', {}, { refetchInterval: 5_000 })
  const [asking, setAsking] = useState(false)
  return (
    <Stack gap="sm" component="section" aria-label="All calling">
      <Title order={2}>All calling</Title>
      <Answer of={query} rows={2}>
        {(workspace) =>
          workspace.paused_all ? (
            <Alert color="yellow" variant="light" title="All calling of this workspace is paused">
              <Stack gap="sm">
                <Text>
                  No campaign starts a call{workspace.paused_at ? (
                    <>
                      {' '}
                      since <Time at={workspace.paused_at} />
                    </>
                  ) : null}
                  , whatever its own status says.
                </Text>
                {mayAct ? (
                  <Group>
                    <Button onClick={() => setAsking(true)}>Resume all…</Button>
                  </Group>
                ) : null}
              </Stack>
            </Alert>
          ) : (
            <Group className="surface" p="md" justify="space-between" gap="sm">
              <Text>Running campaigns call as their schedules allow.</Text>
              {mayAct ? (
                <Button color="red" variant="outline" onClick={() => setAsking(true)}>
                  Pause all…
                </Button>
              ) : null}
            </Group>
          )
        }
      </Answer>
      {asking && query.data ? <Confirm isPaused={query.data.paused_all} onClose={() => setAsking(false)} /> : null}
    </Stack>
  )
}

function Confirm({ isPaused: given, onClose }: { isPaused: boolean; onClose: () => void }) {
  const [isPaused] = useState(given) // what was asked stays asked, while the page behind goes on
  const change = useCommand((_: void, key) => {
    const params = { header: { 'Idempotency-Key': key } }
    return isPaused
      ? command.POST('/v1/workspace/resume-all', { params })
      : command.POST('/v1/workspace/pause-all', { params })
  }, onClose)
  return (
    <Modal opened onClose={onClose} title={isPaused ? 'Let all running campaigns call again?' : 'Pause all calling?'}>
      <Stack gap="md">
        {isPaused ? (
          <Text>Every campaign that is running starts calls again at once, where its hours allow.</Text>
        ) : (
          <List size="md" spacing={4}>
            <List.Item>No new call starts in any campaign of the workspace, and those who ring in are not answered.</List.Item>
            <List.Item>Calls in progress end naturally and still record their outcome.</List.Item>
            <List.Item>Campaigns keep their status: what is running goes on when you resume.</List.Item>
          </List>
        )}
        {change.problem ? <Trouble error={change.problem} /> : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {isPaused ? 'Stay paused' : 'Go on calling'}
          </Button>
          <CommandButton command={change} input={undefined} color={isPaused ? undefined : 'red'}>
            {isPaused ? 'Resume all' : 'Pause all'}
          </CommandButton>
        </Group>
      </Stack>
    </Modal>
  )
}

// --- services --------------------------------------------------------------------------------------------------------

const SERVICES = {
  'campaign-command': { name: 'Campaigns and contacts', without: 'Nothing can be changed, and no call gets a permit.' },
  dialer: { name: 'Dialling', without: 'No call starts; calls in progress go on.' },
  'analytics-projector': { name: 'Figures', without: 'Figures stand still and catch up later; calling goes on.' },
} as const
type Service = keyof typeof SERVICES
type Ready = { problems: Record<string, string>; milliseconds: number }

async function readiness(service: Service): Promise<Ready> {
  const began = performance.now()
  const answer = await fetch(`/api/${service}/readyz`).catch(() => {
    throw unreachable()
  })
  const milliseconds = Math.round(performance.now() - began)
  if (answer.ok) return { problems: {}, milliseconds }
  const problem = await problemOf(answer)
  const { problems } = problem.extra
  if (typeof problems !== 'object' || problems === null) throw problem
  return { problems: problems as Record<string, string>, milliseconds }
}

const LIVE = { live: 'Figures on the page are live', connecting: 'Getting live figures…', lost: 'Live figures are cut off; reconnecting' } as const

function Lag() {
  const query = figuresQuery.useQuery('get', '/v1/lag', {}, { refetchInterval: 5_000, retry: false })
  if (!query.data || query.isError) return null
  const seconds = query.data.behind_seconds
  return (
    <Text size="sm">
      {seconds < 1 ? 'Lists and figures are up to date.' : `Lists and figures are ${duration(seconds)} behind the calls.`}
    </Text>
  )
}

function Services() {
  const live = useLiveState()
  const names = Object.keys(SERVICES) as Service[]
  const answers = useQueries({
    queries: names.map((service) => ({
      queryKey: ['ready', service],
      queryFn: () => readiness(service),
      refetchInterval: 5_000,
      retry: false,
    })),
  })
  return (
    <Stack gap="sm" component="section" aria-label="Services">
      <Group justify="space-between" align="baseline">
        <Title order={2}>Services</Title>
        <Text size="sm" c="dimmed">
          {LIVE[live]}
        </Text>
      </Group>
      <Lag />
      <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {names.map((service, index) => {
          const { data, error } = answers[index]!
          const problem = error ? asProblem(error) : null
          const wrong = Object.entries(problem ? { [service]: problem.detail } : (data?.problems ?? {}))
          const isReady = !problem && data && wrong.length === 0
          return (
            <Box component="li" key={service} className="surface" p="sm" aria-label={SERVICES[service].name}>
              <Group justify="space-between" gap="sm">
                <Group gap="sm">
                  <Text fw={550}>{SERVICES[service].name}</Text>
                  <Text size="sm" c="dimmed">
                    {service}
                  </Text>
                </Group>
                <Group gap="sm">
                  {data && !problem ? (
                    <Text size="sm" c="dimmed" className="number">
                      answers in {count(data.milliseconds)} ms
                    </Text>
                  ) : null}
                  <Badge color={isReady ? 'teal' : problem || wrong.length > 0 ? 'red' : 'gray.5'}>
                    {isReady ? 'Ready' : problem || wrong.length > 0 ? 'Not ready' : 'Asking'}
                  </Badge>
                </Group>
              </Group>
              {wrong.length > 0 ? (
                <Stack gap={2} mt={6} role="alert">
                  {wrong.map(([part, says]) => (
                    <Text key={part} size="sm" style={{ overflowWrap: 'anywhere' }}>
                      {part === service ? says : `${plain(part)}: ${says}`}
                    </Text>
                  ))}
                  <Text size="sm" c="dimmed">
                    {SERVICES[service].without} This page looks again by itself.
                  </Text>
                </Stack>
              ) : null}
            </Box>
          )
        })}
      </Stack>
    </Stack>
  )
}

// --- trunks ----------------------------------------------------------------------------------------------------------

type TrunkState = Dialer['TrunkState']
const BREAKERS = {
  closed: { word: 'Works', color: 'teal' },
  open: { word: 'Left alone', color: 'red' },
  probing: { word: 'Being tried', color: 'yellow' },
} as const

function Trunks() {
  const query = dialerQuery.useQuery('get', '/v1/breakers', {}, { refetchInterval: 5_000 })
  return (
    <Stack gap="sm" component="section" aria-label="Trunks">
      <div>
        <Title order={2}>Trunks</Title>
        <Text size="sm" c="dimmed">
          The ways into the telephone network. One through which too many calls fail is left alone, and then tried with one call.
        </Text>
      </div>
      <Answer of={query} rows={2}>
        {({ items }) => (
          <Stack gap="xs">
            {items.map((trunk) => (
              <Trunk key={trunk.id} trunk={trunk} />
            ))}
          </Stack>
        )}
      </Answer>
    </Stack>
  )
}

function Trunk({ trunk }: { trunk: TrunkState }) {
  const mayAct = useMay('operator')
  const { breaker } = trunk
  const { word, color } = BREAKERS[breaker.state]
  const close = useCommand((_: void) =>
    dialer.POST('/v1/trunks/{trunk_id}/breaker/close', { params: { path: { trunk_id: trunk.id } } }),
  )
  const ceilings = [
    trunk.max_calls === null ? null : `at most ${count(trunk.max_calls)}`,
    trunk.calls_per_second === null ? null : `${count(trunk.calls_per_second)} begun per second`,
  ].filter(Boolean)
  return (
    <Box className="surface" p="sm" role="group" aria-label={`Trunk ${trunk.id}`}>
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <Text fw={550}>{trunk.id}</Text>
          <Text size="sm" c="dimmed" className="number">
            {plural(trunk.live_calls, 'call')} now{ceilings.length > 0 ? `, ${ceilings.join(', ')}` : ''}
          </Text>
        </Group>
        <Badge color={color}>{word}</Badge>
      </Group>
      {breaker.state !== 'closed' ? (
        <Stack gap={6} mt={8}>
          <Text>
            {breaker.cause ? `Because ${breakerBecause(breaker.cause)}: ` : ''}
            {count(breaker.failed)} of {plural(breaker.calls, 'call')} of the last minute failed
            {breaker.opened_at ? (
              <>
                , <Time at={breaker.opened_at} seconds />
              </>
            ) : null}
            .
            {breaker.probe_at ? (
              <>
                {' '}
                A call tries it <Time at={breaker.probe_at} seconds />.
              </>
            ) : null}
          </Text>
          {breaker.reasons.length > 0 ? (
            <Table.ScrollContainer minWidth={420} type="native" tabIndex={0}>
              <Table className="table">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Outcome</Table.Th>
                    <Table.Th>SIP</Table.Th>
                    <Table.Th>Q.850</Table.Th>
                    <Table.Th>The carrier’s words</Table.Th>
                    <Table.Th>Calls</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {breaker.reasons.map((reason, index) => (
                    <Table.Tr key={index}>
                      <Table.Td>{OUTCOMES[reason.outcome] ?? plain(reason.outcome)}</Table.Td>
                      <Table.Td>{reason.sip_code ?? '–'}</Table.Td>
                      <Table.Td>{reason.q850_cause ?? '–'}</Table.Td>
                      <Table.Td style={{ overflowWrap: 'anywhere' }}>{reason.words ?? '–'}</Table.Td>
                      <Table.Td>{count(reason.calls)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          ) : null}
          {mayAct ? (
            <Group>
              <CommandButton command={close} input={undefined} variant="default" size="compact-sm">
                It works again: let calls go
              </CommandButton>
            </Group>
          ) : null}
        </Stack>
      ) : breaker.opened_at ? (
        <Text size="sm" c="dimmed" mt={4}>
          Last left alone <Time at={breaker.opened_at} />
          {breaker.closed_by ? `; ${breaker.closed_by === 'probe' ? 'a call went through' : `let go by ${breaker.closed_by}`}` : ''}
        </Text>
      ) : null}
      {close.problem ? <Trouble error={close.problem} /> : null}
    </Box>
  )
}
