// How a file would be read: its encoding, columns and first rows, before any of it is sent; then the options, and sending.
import {
  Alert,
  Badge,
  Box,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Progress,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { asProblem, command, remember, type Command, type Figures, type Problem } from './api'
import { rowBecause } from './reasons'
import { COUNTRIES } from './setting-words'
import { Answer, Trouble } from './trouble'
import { contentType, upload, UploadCancelled, type Upload } from './upload'
import { count, percent } from './words'

type Preview = Command['PreviewAnswer']
type Meaning = Preview['columns'][number]['field']
type Mapping = Record<string, Meaning>
type Options = { delimiter?: ',' | ';' | '\t' | '|'; encoding?: 'utf-8' | 'utf-16' | 'windows-1252' | 'iso-8859-1'; country: string | null }

const HEAD_BYTES = 64 * 1024
const MEANINGS: Record<Meaning, string> = {
  phone: 'Number',
  first_name: 'First name',
  last_name: 'Last name',
  name: 'Whole name',
  email: 'E-mail',
  time_zone: 'Time zone',
  external_id: 'Your own id',
  consent_basis: 'Consent: basis',
  consent_at: 'Consent: given at',
  consent_source: 'Consent: source',
  variable: 'Variable for the prompt',
  ignored: 'Ignored',
}
const DELIMITERS = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' } as const

type Props = { campaign: Figures['Campaign']; country: string | null; file: File; onSent: (importId: string) => void }

export function ReadyFile({ campaign, country: campaigns, file, onSent }: Props) {
  const [options, setOptions] = useState<Options>({ country: campaigns })
  const [mapping, setMapping] = useState<Mapping | null>(null)
  const query = usePreview(campaign.id, file, options, mapping)
  return (
    <Answer of={query} rows={6}>
      {(preview) => (
        <Stack gap="lg" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
          <Layout preview={preview} options={options} onOptions={setOptions} />
          <Columns preview={preview} onMapping={setMapping} />
          <FirstRows preview={preview} />
          <Send campaign={campaign} file={file} preview={preview} options={options} onOptions={setOptions} onSent={onSent} />
        </Stack>
      )}
    </Answer>
  )
}

function usePreview(campaignId: string, file: File, options: Options, mapping: Mapping | null) {
  return useQuery({
    queryKey: ['import preview', campaignId, file.name, file.size, file.lastModified, options, mapping],
    queryFn: async ({ signal }): Promise<Preview> => {
      const { data } = await command.POST('/v1/campaigns/{campaign_id}/imports/preview', {
        params: {
          path: { campaign_id: campaignId },
          query: {
            delimiter: options.delimiter,
            encoding: options.encoding,
            default_country: options.country ?? undefined,
            mapping: mapping ? JSON.stringify(mapping) : undefined,
          },
        },
        body: file.slice(0, HEAD_BYTES) as unknown as string,
        bodySerializer: (body) => body as unknown as Blob,
        headers: { 'content-type': contentType(file) },
        signal,
      })
      return data as Preview
    },
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  })
}

// --- how it is read --------------------------------------------------------------------------------------------------

type LayoutProps = { preview: Preview; options: Options; onOptions: (options: Options) => void }

function Layout({ preview, options, onOptions }: LayoutProps) {
  return (
    <Box className="surface" p="md" component="section" aria-label="How it is read">
      <Title order={2} mb="sm">
        How it is read
      </Title>
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm" maw={760}>
        <NativeSelect
          label="Encoding"
          value={options.encoding ?? ''}
          onChange={(event) => onOptions({ ...options, encoding: (event.currentTarget.value || undefined) as Options['encoding'] })}
          data={[
            { value: '', label: `Found: ${preview.encoding}` },
            { value: 'utf-8', label: 'UTF-8' },
            { value: 'utf-16', label: 'UTF-16' },
            { value: 'windows-1252', label: 'Windows-1252 (Western)' },
            { value: 'iso-8859-1', label: 'ISO 8859-1' },
          ]}
        />
        <NativeSelect
          label="Columns are parted by"
          value={options.delimiter ?? ''}
          onChange={(event) => onOptions({ ...options, delimiter: (event.currentTarget.value || undefined) as Options['delimiter'] })}
          data={[
            { value: '', label: `Found: ${DELIMITERS[preview.delimiter as keyof typeof DELIMITERS] ?? preview.delimiter}` },
            ...Object.entries(DELIMITERS).map(([value, label]) => ({ value, label })),
          ]}
        />
        <Select
          label="Country of national numbers"
          placeholder="None: only international"
          data={COUNTRIES}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'No country' }}
          nothingFoundMessage="No such country"
          value={options.country}
          onChange={(country) => onOptions({ ...options, country })}
        />
      </SimpleGrid>
      {preview.warnings.map((warning) => (
        <Text key={warning} mt="sm">
          <b>Note:</b> {warning}
        </Text>
      ))}
    </Box>
  )
}

function Columns({ preview, onMapping }: { preview: Preview; onMapping: (mapping: Mapping) => void }) {
  const choose = (column: string, meaning: Meaning): void => {
    const isOneOnly = meaning !== 'variable' && meaning !== 'ignored'
    const others = Object.entries(preview.mapping).map(([name, now]): [string, Meaning] => [
      name,
      isOneOnly && now === meaning ? 'variable' : now,
    ])
    onMapping({ ...Object.fromEntries(others), [column]: meaning })
  }
  return (
    <Box className="surface" component="section" aria-label="Columns">
      <Title order={2} p="md" pb="xs">
        Columns
      </Title>
      {preview.problem ? (
        <Box px="md" pb="sm">
          <Alert color="yellow" variant="light" title="Say what the columns are" role="alert">
            {preview.problem.detail}
          </Alert>
        </Box>
      ) : null}
      <Table.ScrollContainer
        minWidth={560}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Columns of the file' } }}
      >
        <Table className="table" aria-label="Columns">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>In the file</Table.Th>
              <Table.Th w={240}>Taken for</Table.Th>
              <Table.Th>How sure</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {preview.columns.map((column) => (
              <Table.Tr key={column.name}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>
                  <bdi>{column.name}</bdi>
                </Table.Td>
                <Table.Td>
                  <NativeSelect
                    size="xs"
                    aria-label={`What “${column.name}” is`}
                    value={column.field}
                    onChange={(event) => choose(column.name, event.currentTarget.value as Meaning)}
                    data={Object.entries(MEANINGS).map(([value, label]) => ({ value, label }))}
                  />
                </Table.Td>
                <Table.Td>
                  <Text size="sm" c="dimmed">
                    {sure(column)}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Box>
  )
}

function sure(column: Preview['columns'][number]): string {
  if (column.field === 'ignored') return 'Not taken over'
  const fits = column.confidence < 1 ? `${percent(column.confidence)} of its values fit` : 'All its values fit'
  const by = { mapping: 'as you say', name: 'by its name', values: 'a guess by its values: please check', none: '' }[column.by]
  if (column.field === 'variable') return by || 'No known name: a variable for the agent’s prompt'
  return [fits, by].filter(Boolean).join(', ')
}

const RESULTS = {
  accepted: { word: 'Accepted', color: 'teal' },
  duplicate: { word: 'Duplicate', color: 'yellow' },
  rejected: { word: 'Rejected', color: 'red' },
} as const

function FirstRows({ preview }: { preview: Preview }) {
  if (preview.rows.length === 0) return null
  const variables = preview.columns.filter((column) => column.field === 'variable').map((column) => column.name)
  return (
    <Box className="surface" component="section" aria-label="First rows">
      <Title order={2} p="md" pb="xs">
        The first {preview.rows.length === 1 ? 'row' : `${preview.rows.length} rows`}, as they would be read
      </Title>
      <Table.ScrollContainer
        minWidth={760}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'First rows' } }}
      >
        <Table className="table" aria-label="First rows" verticalSpacing={5}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Line</Table.Th>
              <Table.Th>Result</Table.Th>
              <Table.Th>Number</Table.Th>
              <Table.Th>Name</Table.Th>
              <Table.Th>Time zones</Table.Th>
              {variables.map((name) => (
                <Table.Th key={name}>
                  <bdi>{name}</bdi>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {preview.rows.map((row) => (
              <Table.Tr key={row.line}>
                <Table.Td className="number">{row.line}</Table.Td>
                <Table.Td>
                  <Badge color={RESULTS[row.result].color}>{RESULTS[row.result].word}</Badge>
                  {said(row) ? (
                    <Text size="sm" c="dimmed">
                      {said(row)}
                    </Text>
                  ) : null}
                </Table.Td>
                {row.result === 'rejected' ? (
                  <Table.Td colSpan={3 + variables.length}>
                    <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                      {row.values.join(' | ')}
                    </Text>
                  </Table.Td>
                ) : (
                  <>
                    <Table.Td className="number">{row.number ?? '–'}</Table.Td>
                    <Table.Td>
                      <bdi>{row.name ?? ([row.first_name, row.last_name].filter(Boolean).join(' ') || '–')}</bdi>
                    </Table.Td>
                    <Table.Td>{zones(row.time_zones)}</Table.Td>
                    {variables.map((name) => (
                      <Table.Td key={name}>
                        <bdi>{row.variables?.[name] ?? ''}</bdi>
                      </Table.Td>
                    ))}
                  </>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Box>
  )
}

function said(row: Preview['rows'][number]): string | null {
  if (row.reason) return rowBecause(row.reason)
  if (row.of_line) return `the number of line ${row.of_line}`
  if (row.of_contact) return 'the campaign has it'
  return row.note ? rowBecause(row.note) : null
}

const zones = (names: string[] | null | undefined): string =>
  !names || names.length === 0 ? '–' : names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(', ')

// --- sending it ------------------------------------------------------------------------------------------------------

type SendProps = LayoutProps & { campaign: Figures['Campaign']; file: File; onSent: (importId: string) => void }

function Send({ campaign, file, preview, options, onSent }: SendProps) {
  const queryClient = useQueryClient()
  const [update, setUpdate] = useState(false)
  const [trial, setTrial] = useState(false)
  const [sent, setSent] = useState<number | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const running = useRef<Upload<Command['ImportAnswer']> | null>(null)
  const unsure = useRef<{ url: string; key: string } | null>(null)
  useEffect(() => () => running.current?.cancel(), [])
  useBlocker({
    shouldBlockFn: () => running.current !== null && !window.confirm('The file is still being sent. Leave, and stop sending it?'),
    enableBeforeUnload: () => running.current !== null,
  })
  const send = async (): Promise<void> => {
    if (running.current) return
    const asked = new URLSearchParams({
      mapping: JSON.stringify(preview.mapping),
      on_duplicate: update ? 'update' : 'skip',
      dry_run: String(trial),
    })
    if (options.delimiter) asked.set('delimiter', options.delimiter)
    if (options.encoding) asked.set('encoding', options.encoding)
    if (options.country) asked.set('default_country', options.country)
    const url = `/api/campaign-command/v1/campaigns/${campaign.id}/imports?${asked}`
    const key = unsure.current?.url === url ? unsure.current.key : crypto.randomUUID()
    setProblem(null)
    setSent(0)
    const headers = { 'content-type': contentType(file), 'idempotency-key': key }
    running.current = upload<Command['ImportAnswer']>(url, file, headers, setSent)
    try {
      const answer = await running.current.result
      running.current = null
      unsure.current = null
      remember(campaign.id, answer.position)
      void queryClient.invalidateQueries()
      onSent(answer.import_id)
    } catch (error) {
      running.current = null
      setSent(null)
      if (error instanceof UploadCancelled) return
      const found = asProblem(error)
      unsure.current = found.isUnknown ? { url, key } : null
      setProblem(found)
    }
  }
  const isReady = preview.problem === null && preview.columns.some((column) => column.field === 'phone')
  return (
    <Box className="surface" p="md" component="section" aria-label="Import it">
      <Stack gap="sm">
        <Checkbox
          label="Update contacts the campaign has already"
          description="What the file brings replaces their details; otherwise their rows are skipped as duplicates"
          checked={update}
          onChange={(event) => setUpdate(event.currentTarget.checked)}
          disabled={sent !== null}
        />
        <Checkbox
          label="Only try it"
          description="Every row is looked at and answered; nothing is added or changed"
          checked={trial}
          onChange={(event) => setTrial(event.currentTarget.checked)}
          disabled={sent !== null}
        />
        {problem ? <Trouble error={problem} retry={problem.isUnknown ? send : undefined} /> : null}
        {sent === null ? (
          <Group gap="sm">
            <Button onClick={() => void send()} disabled={!isReady}>
              {trial ? 'Try the import' : 'Import'}
            </Button>
            <Text size="sm" c="dimmed">
              {isReady ? `${file.name}, ${size(file.size)}` : 'First say which column has the number.'}
            </Text>
          </Group>
        ) : (
          <Stack gap={6} role="status" aria-label="Sending the file">
            <Group justify="space-between">
              <Text>
                {sent < 1 ? `Sending ${file.name}: ${percent(sent)} of ${size(file.size)}` : 'Sent; the server is storing it…'}
              </Text>
              <Button variant="default" size="compact-sm" onClick={() => running.current?.cancel()}>
                Stop sending
              </Button>
            </Group>
            <Progress value={sent * 100} animated aria-label="Sent" />
          </Stack>
        )}
      </Stack>
    </Box>
  )
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${count(bytes)} bytes`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
