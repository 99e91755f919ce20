// Who must not be called: single entries and uploaded lists. Operators look, admins change.
import { Alert, Badge, Box, Button, Group, Modal, SegmentedControl, Select, Stack, Table, Text, Textarea, TextInput, Title, VisuallyHidden } from '@mantine/core'
import { useDebouncedCallback, useMediaQuery } from '@mantine/hooks'
import { keepPreviousData } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { command, commandQuery, figuresQuery, problemOf, unreachable, useCommand, type Command } from './api'
import { Paging } from './paging'
import { saveFile } from './save-file'
import { useMay } from './session'
import { SuppressionLists } from './suppression-lists'
import { Answer, Trouble } from './trouble'
import { count, plural, Time, VIEWER_ZONE } from './words'
import type { SuppressionsSearch } from './searches'

export type Entry = Command['Suppression']
const SOURCES: Record<Entry['source'], string> = {
  agent: 'Said so to the agent',
  inbound: 'Said so when ringing in',
  api: 'By hand',
  list: 'Uploaded list',
  network: 'Reported by the network',
}
const VIEWS = { entries: 'Entries', lists: 'Uploaded lists', lifted: 'Taken off' } as const

export function Suppressions() {
  const mayLook = useMay('operator')
  const search = useSearch({ from: '/do-not-call' })
  const navigate = useNavigate({ from: '/do-not-call' })
  const view = search.view ?? 'entries'
  return (
    <Stack gap="md">
      <Title order={1}>Do not call</Title>
      <Text c="dimmed" maw={760}>
        Numbers that no campaign calls. Whoever asks the agent not to be called again gets here by that; what is taken off is
        kept, with who did it and why.
      </Text>
      {mayLook ? (
        <>
          <SegmentedControl
            style={{ alignSelf: 'flex-start' }}
            aria-label="What is shown"
            value={view}
            onChange={(next) => void navigate({ search: { view: next === 'entries' ? undefined : (next as SuppressionsSearch['view']) } })}
            data={Object.entries(VIEWS).map(([value, label]) => ({ value, label }))}
          />
          {view === 'lists' ? <SuppressionLists cursor={search.cursor} /> : <Entries search={search} isLifted={view === 'lifted'} />}
        </>
      ) : (
        <Alert color="yellow" variant="light" title="Your role does not allow this">
          The list holds telephone numbers: somebody with the role operator or admin can see it.
        </Alert>
      )}
    </Stack>
  )
}

/** The campaigns an entry may be of: their names by id. */
function useCampaigns(q?: string) {
  const query = figuresQuery.useQuery('get', '/v1/campaigns', { params: { query: { limit: 200, q: q || undefined } } }, { staleTime: 30_000 })
  return (query.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))
}

// --- entries ---------------------------------------------------------------------------------------------------------

function Entries({ search, isLifted }: { search: SuppressionsSearch; isLifted: boolean }) {
  const navigate = useNavigate({ from: '/do-not-call' })
  const mayChange = useMay('admin')
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<Entry | null>(null)
  const [typed, setTyped] = useState(search.number ?? '')
  const ask = (changes: SuppressionsSearch): void => {
    void navigate({ search: (now) => ({ ...now, cursor: undefined, ...changes }), replace: true })
  }
  const find = useDebouncedCallback((number: string) => ask({ number: number.trim() || undefined }), 400)
  const query = commandQuery.useQuery(
    'get',
    '/v1/suppressions',
    {
      params: {
        query: { number: search.number, source: search.source, lifted: isLifted, cursor: search.cursor, limit: 50 },
      },
    },
    { placeholderData: keepPreviousData },
  )
  const campaigns = new Map(useCampaigns().map(({ value, label }) => [value, label]))
  const wrongNumber = query.error?.errors?.find?.(({ field }: { field: string }) => field === 'number')?.message
  const isFiltered = Boolean(search.number ?? search.source)
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start" gap="sm">
        <Group gap="sm" align="flex-start">
          <TextInput
            type="search"
            aria-label="Search for a number"
            placeholder="A whole number, such as +49 30 23125433"
            w={300}
            value={typed}
            onChange={(event) => {
              setTyped(event.currentTarget.value)
              find(event.currentTarget.value)
            }}
            error={wrongNumber}
          />
          <Select
            aria-label="Where they come from"
            placeholder="From anywhere"
            w={210}
            clearable
            data={Object.entries(SOURCES).map(([value, label]) => ({ value, label }))}
            value={search.source ?? null}
            onChange={(source) => ask({ source: (source ?? undefined) as SuppressionsSearch['source'] })}
          />
        </Group>
        <Group gap="xs">
          {isLifted ? null : <Export />}
          {mayChange && !isLifted ? <Button onClick={() => setAdding(true)}>Add numbers</Button> : null}
        </Group>
      </Group>
      {wrongNumber ? null : (
        <Answer of={query}>
          {(page) =>
            page.items.length === 0 ? (
              <Box className="surface" p="lg">
                <Text ta="center" c="dimmed">
                  {isFiltered
                    ? search.number
                      ? `Nothing ${isLifted ? 'was taken off' : 'keeps this number from being called'}.`
                      : 'There is none of this kind.'
                    : isLifted
                      ? 'Nothing has been taken off yet.'
                      : 'Nobody is on the list yet.'}
                </Text>
              </Box>
            ) : (
              <Stack gap="sm" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
                <Rows
                  items={page.items}
                  isLifted={isLifted}
                  campaigns={campaigns}
                  onRemove={mayChange && !isLifted ? setRemoving : undefined}
                />
                <Paging by="cursor" now={search.cursor} next={page.next_cursor} says={plural(page.total, 'entry', 'entries')} />
              </Stack>
            )
          }
        </Answer>
      )}
      {adding ? <AddNumbers onClose={() => setAdding(false)} /> : null}
      {removing ? <RemoveEntry entry={removing} onClose={() => setRemoving(null)} /> : null}
    </Stack>
  )
}

function Export() {
  const save = useCommand(async (_: void) => {
    const answer = await fetch('/api/campaign-command/v1/suppressions/export.csv').catch(() => {
      throw unreachable()
    })
    if (!answer.ok) throw await problemOf(answer)
    saveFile('do-not-call.csv', await answer.blob())
    return {}
  })
  return (
    <Stack gap="xs">
      <Button variant="default" loading={save.isBusy} onClick={() => void save.fire()}>
        Export CSV
      </Button>
      {save.problem ? <Trouble error={save.problem} /> : null}
    </Stack>
  )
}

type RowsProps = {
  items: Entry[]
  isLifted: boolean
  campaigns: Map<string, string>
  onRemove?: (entry: Entry) => void
}

function Rows({ items, isLifted, campaigns, onRemove }: RowsProps) {
  const small = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false })
  const scope = (entry: Entry) =>
    entry.campaign_id === null ? (
      'Whole workspace'
    ) : (
      <Link to="/campaigns/$campaignId" params={{ campaignId: entry.campaign_id }} dir="auto">
        {campaigns.get(entry.campaign_id) ?? 'One campaign'}
      </Link>
    )
  const source = (entry: Entry): string => (entry.list ? `List ${entry.list}` : SOURCES[entry.source])
  const remove = (entry: Entry) =>
    onRemove ? (
      <Button variant="default" size="compact-xs" aria-label={`Remove ${shown(entry)}`} onClick={() => onRemove(entry)}>
        Remove
      </Button>
    ) : null
  if (small)
    return (
      <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {items.map((entry) => (
          <Box component="li" key={entry.id} className="surface" p="sm">
            <Group justify="space-between" wrap="nowrap" align="flex-start">
              <Stack gap={2} miw={0}>
                <Text fw={550} style={{ overflowWrap: 'anywhere' }}>{shown(entry)}</Text>
                <Text size="sm">{scope(entry)}</Text>
                <Text size="sm" c="dimmed">
                  {source(entry)} · <Time at={entry.created_at} />
                </Text>
                <Why entry={entry} isLifted={isLifted} />
              </Stack>
              {remove(entry)}
            </Group>
          </Box>
        ))}
      </Stack>
    )
  return (
    <Box className="surface" style={{ overflow: 'hidden' }}>
      <Table className="table" layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={180}>Number</Table.Th>
            <Table.Th>Scope</Table.Th>
            <Table.Th w={200}>From</Table.Th>
            <Table.Th>{isLifted ? 'Taken off' : 'Reason'}</Table.Th>
            <Table.Th w={190}>
              Since
              <Text size="xs" fw={400} c="dimmed">
                {VIEWER_ZONE}
              </Text>
            </Table.Th>
            {onRemove ? (
              <Table.Th w={100}>
                <VisuallyHidden>Action</VisuallyHidden>
              </Table.Th>
            ) : null}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((entry) => (
            <Table.Tr key={entry.id}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{shown(entry)}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{scope(entry)}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{source(entry)}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                <Why entry={entry} isLifted={isLifted} />
              </Table.Td>
              <Table.Td>
                <Time at={entry.created_at} quiet />
              </Table.Td>
              {onRemove ? <Table.Td>{remove(entry)}</Table.Td> : null}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

const shown = (entry: Entry): string => entry.number ?? 'Erased number'

function Why({ entry, isLifted }: { entry: Entry; isLifted: boolean }) {
  return (
    <>
      <Text size="sm" dir="auto">
        {(isLifted ? entry.lift_reason : entry.reason) ?? '–'}
      </Text>
      {entry.lifted_at ? (
        <Text size="sm" c="dimmed">
          by {entry.lifted_by ?? 'its end'} · <Time at={entry.lifted_at} />
        </Text>
      ) : null}
      {!entry.lifted_at && entry.expires_at ? (
        <Text size="sm" c="dimmed">
          {new Date(entry.expires_at) < new Date() ? 'ended' : 'until'} <Time at={entry.expires_at} />
        </Text>
      ) : null}
      {entry.number?.endsWith('*') ? <Badge mt={4}>All numbers that begin so</Badge> : null}
    </>
  )
}

// --- changes ---------------------------------------------------------------------------------------------------------

const localToInstant = (text: string): string | null => (text ? new Date(text).toISOString() : null)

function AddNumbers({ onClose }: { onClose: () => void }) {
  const [numbers, setNumbers] = useState('')
  const [campaignId, setCampaignId] = useState<string | null>(null)
  const [until, setUntil] = useState('')
  const [reason, setReason] = useState('')
  const [words, setWords] = useState('')
  const campaigns = useCampaigns(words)
  const lines = numbers.split(/[\n,;]+/).map((line) => line.trim()).filter(Boolean)
  const add = useCommand(
    (body: Command['SuppressionsIn'], key) =>
      command.POST('/v1/suppressions', { params: { header: { 'Idempotency-Key': key } }, body }),
    onClose,
  )
  const wrong = (field: string): string | undefined =>
    add.problem?.errors
      .filter((error) => error.field === field || error.field.startsWith(`${field}.`))
      .map((error) => {
        const index = /^numbers\.(\d+)$/.exec(error.field)
        return index ? `${lines[Number(index[1])] ?? 'A number'}: ${error.message}` : error.message
      })
      .join('; ') || undefined
  const send = (event: FormEvent): void => {
    event.preventDefault()
    void add.fire({ numbers: lines, campaign_id: campaignId, reason: reason.trim() || null, expires_at: localToInstant(until) })
  }
  return (
    <Modal opened onClose={onClose} title="Add numbers to the do-not-call list" size="lg">
      <form onSubmit={send} noValidate>
        <Stack gap="md">
          <Textarea
            label="Numbers"
            description="One a line: international, such as +49 30 23125433, or +1900* for all numbers that begin so"
            required
            data-autofocus
            autosize
            minRows={3}
            maxRows={10}
            value={numbers}
            onChange={(event) => setNumbers(event.currentTarget.value)}
            error={wrong('numbers')}
          />
          <Select
            label="Where it holds"
            placeholder="In the whole workspace"
            data={campaigns}
            searchable
            clearable
            onSearchChange={setWords}
            value={campaignId}
            onChange={setCampaignId}
            nothingFoundMessage="No such campaign"
            error={wrong('campaign_id')}
          />
          <TextInput
            type="datetime-local"
            label="Until"
            description={`Empty: for good. ${VIEWER_ZONE}`}
            max="2100-12-31T23:59"
            value={until}
            onChange={(event) => setUntil(event.currentTarget.value)}
            error={wrong('expires_at')}
          />
          <TextInput
            label="Reason"
            dir="auto"
            autoComplete="off"
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            error={wrong('reason')}
          />
          {add.problem && add.problem.errors.length === 0 ? <Trouble error={add.problem} /> : null}
          <Text size="sm" c="dimmed">
            When this is answered, no phone of theirs starts to ring any more.
          </Text>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={add.isBusy} disabled={lines.length === 0}>
              {lines.length > 1 ? `Add ${count(lines.length)} numbers` : 'Add'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function RemoveEntry({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const [reason, setReason] = useState('')
  const remove = useCommand(
    (why: string) =>
      command.DELETE('/v1/suppressions/{suppression_id}', {
        params: { path: { suppression_id: entry.id }, query: { reason: why.trim() } },
      }),
    onClose,
  )
  return (
    <Modal opened onClose={onClose} title={`Take ${shown(entry)} off the list?`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (reason.trim()) void remove.fire(reason)
        }}
      >
        <Stack gap="md">
          <Text>
            {entry.source === 'agent' || entry.source === 'inbound'
              ? 'This person asked not to be called. Take it off only when they have asked to be called again.'
              : 'Campaigns may call it again. Other entries that name this number stay.'}
          </Text>
          <TextInput
            label="Reason"
            description="Kept with your name"
            required
            data-autofocus
            dir="auto"
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          {remove.problem ? <Trouble error={remove.problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Keep it
            </Button>
            <Button type="submit" color="red" loading={remove.isBusy} disabled={reason.trim() === ''}>
              Take it off
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
