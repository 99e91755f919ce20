// How far an import is, and what became of its rows.
import { Alert, Badge, Box, Button, Group, Progress, SegmentedControl, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core'
import { keepPreviousData } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { command, commandQuery, useCommand, type Command, type Figures } from './api'
import { CommandButton } from './command-button'
import { Figure } from './figure'
import { Note } from './note'
import { Paging } from './paging'
import { plain, rowBecause } from './reasons'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { count, plural, Time } from './words'

type Import = Command['ImportAnswer']
const REREAD_MS = 700

const STATES: Record<Import['state'], { word: string; color: string }> = {
  uploading: { word: 'Being sent', color: 'cyan' },
  queued: { word: 'Waiting its turn', color: 'cyan' },
  running: { word: 'Running', color: 'cyan' },
  completed: { word: 'Completed', color: 'teal' },
  failed: { word: 'Failed', color: 'red' },
  interrupted: { word: 'Interrupted', color: 'red' },
  cancelled: { word: 'Cancelled', color: 'gray.5' },
}
const isOver = (state: Import['state']): boolean => !['uploading', 'queued', 'running'].includes(state)

export function ImportStateBadge({ state }: { state: Import['state'] }) {
  return <Badge color={STATES[state].color}>{STATES[state].word}</Badge>
}

type Props = {
  importId: string
  campaign: Figures['Campaign']
  onAnother: () => void
  /** After a trial, while the file is at hand */
  onForReal?: () => void
}

export function ImportProgress({ importId, campaign, onAnother, onForReal }: Props) {
  const query = commandQuery.useQuery(
    'get',
    '/v1/imports/{import_id}',
    { params: { path: { import_id: importId } } },
    { refetchInterval: (now) => (now.state.data && isOver(now.state.data.state) ? false : REREAD_MS) },
  )
  return (
    <Answer of={query}>
      {(answer) => (
        <Stack gap="lg">
          <State answer={answer} campaign={campaign} onAnother={onAnother} onForReal={onForReal} />
          <Rows answer={answer} />
        </Stack>
      )}
    </Answer>
  )
}

type StateProps = Omit<Props, 'importId'> & { answer: Import }

function State({ answer, campaign, onAnother, onForReal }: StateProps) {
  const mayAct = useMay('operator')
  const cancel = useCommand((_: void, key) =>
    command.POST('/v1/imports/{import_id}/cancel', {
      params: { path: { import_id: answer.import_id }, header: { 'Idempotency-Key': key } },
    }),
  )
  const over = isOver(answer.state)
  const part = answer.bytes_total > 0 ? answer.bytes_done / answer.bytes_total : over ? 1 : 0
  return (
    <Stack gap="md" component="section" aria-label="Import">
      <Group justify="space-between">
        <Group gap="md">
          <Title order={2}>Import</Title>
          <ImportStateBadge state={answer.state} />
          <Text size="sm" c="dimmed">
            begun <Time at={answer.created_at} />
          </Text>
        </Group>
        <Group gap="xs">
          {mayAct && !over ? (
            <CommandButton command={cancel} input={undefined} variant="default">
              Cancel the import
            </CommandButton>
          ) : null}
          {over && answer.dry_run && onForReal ? <Button onClick={onForReal}>Now import it</Button> : null}
          {over ? (
            <Button variant="default" onClick={onAnother}>
              {mayAct ? 'Import another file' : 'All imports'}
            </Button>
          ) : null}
        </Group>
      </Group>
      {cancel.problem ? <Trouble error={cancel.problem} /> : null}
      {answer.dry_run ? (
        <Note tone="waits" title="Only a trial">
          Every row is looked at; nothing is added to the campaign.
        </Note>
      ) : null}
      {answer.error_detail ? (
        <Alert variant="light" color="red" title={plain(answer.error_code ?? 'failed')} role="alert">
          {answer.error_detail}
          {answer.accepted > 0 && !answer.dry_run ? ` ${plural(answer.accepted, 'contact')} added before that stay.` : ''}
        </Alert>
      ) : null}
      {answer.state === 'cancelled' && answer.accepted > 0 && !answer.dry_run ? (
        <Text>What it had added stays: {plural(answer.accepted, 'contact')}.</Text>
      ) : null}
      {over ? null : <Progress value={part * 100} aria-label="Done" />}
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Figure
          name="Rows done"
          value={count(answer.rows_done)}
          note={answer.rows_per_second === null ? undefined : `${count(Math.round(answer.rows_per_second))} rows a second`}
        />
        <Figure
          name={answer.dry_run ? 'Would be accepted' : 'Accepted'}
          value={count(answer.accepted)}
          note={answer.do_not_call > 0 ? `${count(answer.do_not_call)} as do not call` : undefined}
        />
        <Figure name="Duplicate" value={count(answer.duplicate)} note={answer.notes.updated ? `${count(answer.notes.updated)} updated` : undefined} />
        <Figure name="Rejected" value={count(answer.rejected)} />
      </SimpleGrid>
      {!over && answer.estimated_end_at ? <Remaining until={answer.estimated_end_at} /> : null}
      <Reasons answer={answer} />
      {answer.warnings.map((warning) => (
        <Text key={warning}>
          <b>Note:</b> {warning}
        </Text>
      ))}
      {over && answer.state === 'completed' && !answer.dry_run && answer.accepted > 0 ? (
        <Text>
          <Link to="/campaigns/$campaignId/contacts" params={{ campaignId: campaign.id }}>
            See the contacts
          </Link>
          {campaign.status === 'draft' ? ', then start the campaign above.' : ''}
        </Text>
      ) : null}
    </Stack>
  )
}

function Remaining({ until }: { until: string }) {
  const seconds = Math.max(0, Math.round((new Date(until).getTime() - Date.now()) / 1000))
  return (
    <Text c="dimmed" role="status">
      {seconds < 2 ? 'Almost done' : seconds < 90 ? `About ${seconds} seconds left` : `About ${Math.round(seconds / 60)} minutes left`}
    </Text>
  )
}

function Reasons({ answer }: { answer: Import }) {
  const lines = [
    ...Object.entries(answer.rejected_by_reason).map(([reason, some]) => ['Rejected', reason, some] as const),
    ...Object.entries(answer.notes).map(([note, some]) => ['Noted', note, some] as const),
  ]
  if (lines.length === 0) return null
  return (
    <Box className="surface" p="md">
      <Stack gap={4} component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label="By reason">
        {lines.map(([kind, code, some]) => (
          <Group key={`${kind} ${code}`} component="li" gap="md" wrap="nowrap">
            <Text span fw={600} className="number" miw={56} ta="right">
              {count(some)}
            </Text>
            <Text span>
              {kind === 'Rejected' ? 'Rejected: ' : 'Taken, with a note: '}
              {rowBecause(code)}
            </Text>
          </Group>
        ))}
      </Stack>
    </Box>
  )
}

// --- its rows --------------------------------------------------------------------------------------------------------

const RESULTS = { rejected: 'Rejected', duplicate: 'Duplicate', accepted: 'Accepted' } as const
type Result = keyof typeof RESULTS

function Rows({ answer }: { answer: Import }) {
  const search = useSearch({ from: '/campaigns/$campaignId/import' })
  const navigate = useNavigate({ from: '/campaigns/$campaignId/import' })
  const mayAct = useMay('operator')
  const result: Result = search.result ?? 'rejected'
  const query = commandQuery.useQuery(
    'get',
    '/v1/imports/{import_id}/rows',
    { params: { path: { import_id: answer.import_id }, query: { result, cursor: search.cursor } } },
    { placeholderData: keepPreviousData, refetchInterval: isOver(answer.state) ? false : 2_000 },
  )
  const { refetch } = query
  const over = isOver(answer.state)
  useEffect(() => {
    if (over) void refetch() // the last rows came after the last look
  }, [over, answer.rows_done, refetch])
  if (answer.rows_done === 0) return null
  return (
    <Stack gap="sm" component="section" aria-label="Rows">
      <Group justify="space-between">
        <SegmentedControl
          size="xs"
          aria-label="Rows with the result"
          value={result}
          onChange={(chosen) => void navigate({ search: (now) => ({ ...now, result: chosen as Result, cursor: undefined }) })}
          data={Object.entries(RESULTS).map(([value, label]) => ({ value, label: `${label} ${count(answer[value as Result])}` }))}
        />
        {mayAct && answer.rejected > 0 ? (
          <Button component="a" variant="default" size="compact-sm" download href={`/api/campaign-command/v1/imports/${answer.import_id}/errors.csv`}>
            Download the rejected rows (CSV)
          </Button>
        ) : null}
      </Group>
      <Answer of={query} rows={3}>
        {(page) =>
          page.items.length === 0 ? (
            <Text className="surface" p="md" c="dimmed">
              No row is {RESULTS[result].toLowerCase()}.
            </Text>
          ) : (
            <Stack gap="sm" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
              <Table.ScrollContainer
                minWidth={560}
                className="surface"
                scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Rows of the file' } }}
              >
                <Table className="table" aria-label="Rows" verticalSpacing={5}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th w={80}>Line</Table.Th>
                      <Table.Th>Why</Table.Th>
                      <Table.Th>{result === 'rejected' ? 'What it held' : 'Contact'}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {page.items.map((row) => (
                      <Table.Tr key={row.line}>
                        <Table.Td className="number">{row.line}</Table.Td>
                        <Table.Td>{why(row)}</Table.Td>
                        <Table.Td style={{ overflowWrap: 'anywhere' }}>
                          {row.values ? (
                            <Text size="sm" ff="monospace">
                              {row.values.join(' | ')}
                            </Text>
                          ) : row.contact_id || row.of_contact ? (
                            <Link
                              to="/campaigns/$campaignId/contacts/$contactId"
                              params={{ campaignId: answer.campaign_id, contactId: (row.contact_id ?? row.of_contact)! }}
                            >
                              Timeline
                            </Link>
                          ) : (
                            '–'
                          )}
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <Paging by="cursor" now={search.cursor} next={page.next_cursor} says={`${count(page.items.length)} of ${count(page.total)} rows`} />
            </Stack>
          )
        }
      </Answer>
    </Stack>
  )
}

function why(row: Command['ImportRow']): string {
  const updated = row.changes && row.changes.length > 0 ? `changes ${row.changes.map((name) => plain(name).toLowerCase()).join(', ')}` : null
  const said = [
    row.reason ? rowBecause(row.reason) : null,
    row.note ? rowBecause(row.note) : null,
    row.of_line ? `the number of line ${row.of_line}` : row.result === 'duplicate' ? 'the campaign has the number' : null,
    updated,
  ].filter(Boolean)
  return said.join('; ') || 'As it stands'
}
