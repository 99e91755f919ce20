// Uploaded do-not-call lists: a file of numbers, how far it is, and undoing all of it.
import { Alert, Badge, Box, Button, FileInput, Group, List, Modal, NumberInput, Progress, Select, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { keepPreviousData } from '@tanstack/react-query'
import { useState } from 'react'
import { command, commandQuery, useCommand, type Command } from './api'
import type { Num } from './campaign-form'
import { COUNTRIES } from './setting-words'
import { Paging } from './paging'
import { rowBecause } from './reasons'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { upload } from './upload'
import { count, day, plural, Time, VIEWER_ZONE } from './words'

type Uploaded = Command['ListAnswer']
const STATES: Record<Uploaded['state'], { word: string; color: string }> = {
  running: { word: 'Being read', color: 'cyan' },
  completed: { word: 'Complete', color: 'teal' },
  failed: { word: 'Failed', color: 'red' },
  undoing: { word: 'Being undone', color: 'yellow' },
  undone: { word: 'Undone', color: 'gray.6' },
}
const moves = ({ state }: Uploaded): boolean => state === 'running' || state === 'undoing'

export function SuppressionLists({ cursor }: { cursor: string | undefined }) {
  const mayChange = useMay('admin')
  const [uploading, setUploading] = useState(false)
  const [undoing, setUndoing] = useState<Uploaded | null>(null)
  const query = commandQuery.useQuery(
    'get',
    '/v1/suppression-lists',
    { params: { query: { cursor, limit: 20 } } },
    { placeholderData: keepPreviousData, refetchInterval: ({ state }) => (state.error ? 5000 : state.data?.items.some(moves) ? 1000 : false) },
  )
  return (
    <Stack gap="sm">
      {mayChange ? (
        <Group justify="flex-end">
          <Button onClick={() => setUploading(true)}>Upload a list</Button>
        </Group>
      ) : null}
      <Answer of={query}>
        {(page) =>
          page.items.length === 0 ? (
            <Box className="surface" p="lg">
              <Text ta="center" c="dimmed">
                No list has been uploaded yet.
              </Text>
            </Box>
          ) : (
            <Stack gap="sm">
              {page.items.map((each) => (
                <Card key={each.list_id} list={each} onUndo={mayChange ? () => setUndoing(each) : undefined} />
              ))}
              <Paging by="cursor" now={cursor} next={page.next_cursor} says={plural(page.total, 'list')} />
            </Stack>
          )
        }
      </Answer>
      {uploading ? <UploadList onClose={() => setUploading(false)} /> : null}
      {undoing ? <UndoList list={undoing} onClose={() => setUndoing(null)} /> : null}
    </Stack>
  )
}

function Card({ list, onUndo }: { list: Uploaded; onUndo?: () => void }) {
  const state = STATES[list.state]
  return (
    <Box className="surface" p="md" role="group" aria-label={`List ${list.name}`}>
      <Stack gap={6}>
        <Group justify="space-between" align="flex-start">
          <Group gap="sm">
            <Title order={3} style={{ overflowWrap: 'anywhere' }}>
              {list.name}
            </Title>
            <Badge color={state.color}>{state.word}</Badge>
            {list.state === 'completed' && !list.fresh ? <Badge color="red">Too old</Badge> : null}
          </Group>
          {onUndo && (list.state === 'completed' || list.state === 'failed') ? (
            <Button variant="default" size="compact-sm" aria-label={`Undo the list ${list.name}`} onClick={onUndo}>
              Undo…
            </Button>
          ) : null}
        </Group>
        <Text className="number" style={{ whiteSpace: 'normal' }}>
          {count(list.accepted)} put on the list · {plural(list.duplicate, 'duplicate')} · {count(list.rejected)} rejected
          {moves(list) ? ` · ${plural(list.rows_done, 'row')} done` : ''}
        </Text>
        <Text size="sm" c="dimmed">
          Uploaded by {list.uploaded_by}, <Time at={list.created_at} />
          {list.list_date ? ` · as of ${day(list.list_date)}` : ''}
          {list.fresh_through ? ` · fresh through ${day(list.fresh_through)} (UTC)` : ''}
          {list.campaign_id ? ' · for one campaign' : ''}
          {list.expires_at ? (
            <>
              {' '}
              · until <Time at={list.expires_at} />
            </>
          ) : null}
        </Text>
        {list.undone_at ? (
          <Text size="sm" c="dimmed">
            Undone by {list.undone_by}, <Time at={list.undone_at} />
            {list.undo_reason ? `: ${list.undo_reason}` : ''}
          </Text>
        ) : null}
        {list.error_code ? (
          <Alert color="red" variant="light" title="It could not be read to its end">
            {list.error_code.replaceAll('_', ' ')}
          </Alert>
        ) : null}
        {list.first_rejected.length > 0 ? <Rejected list={list} /> : null}
      </Stack>
    </Box>
  )
}

function Rejected({ list }: { list: Uploaded }) {
  const [open, setOpen] = useState(false)
  return (
    <div>
      <Button variant="subtle" size="compact-xs" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'Hide' : 'Show'} what was rejected
      </Button>
      {open ? (
        <List size="sm" mt={4} spacing={2}>
          {list.first_rejected.map((row) => (
            <List.Item key={row.line} style={{ overflowWrap: 'anywhere' }}>
              Line {count(row.line)}: {rowBecause(row.reason)} <span dir="auto">“{row.value}”</span>
            </List.Item>
          ))}
        </List>
      ) : null}
    </div>
  )
}

// --- uploading -------------------------------------------------------------------------------------------------------

function UploadList({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null)
  const [name, setName] = useState('')
  const [listDate, setListDate] = useState('')
  const [maxAge, setMaxAge] = useState<Num>('')
  const [country, setCountry] = useState<string | null>(null)
  const [column, setColumn] = useState('')
  const [until, setUntil] = useState('')
  const [share, setShare] = useState(0)
  const send = useCommand(async (query: string, key) => {
    const headers = { 'content-type': 'text/csv', 'idempotency-key': key }
    const url = `/api/campaign-command/v1/suppression-lists?${query}`
    return { data: await upload<Uploaded>(url, file!, headers, setShare).result }
  }, onClose)
  const wrong = (field: string): string | undefined => send.problem?.errors.find((error) => error.field === field)?.message
  const shown = ['name', 'list_date', 'max_age_days', 'default_country', 'phone_column', 'expires_at']
  const start = (): void => {
    setShare(0)
    const given = {
      name: name.trim(),
      list_date: listDate,
      max_age_days: String(maxAge),
      default_country: country ?? '',
      phone_column: column.trim(),
      expires_at: until ? new Date(until).toISOString() : '',
    }
    void send.fire(new URLSearchParams(Object.entries(given).filter(([of, value]) => of === 'name' || value !== '')).toString())
  }
  return (
    <Modal opened onClose={onClose} title="Upload a do-not-call list" size="lg" closeOnClickOutside={!send.isBusy}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (file) start()
        }}
      >
        <Stack gap="md">
          <FileInput
            label="File"
            description="A CSV with a column of numbers"
            placeholder="Choose a file"
            accept=".csv,.txt,text/csv,text/plain"
            required
            clearable
            clearButtonProps={{ 'aria-label': 'Choose no file' }}
            value={file}
            onChange={setFile}
          />
          <TextInput
            label="Name"
            description="What campaigns call it that need it, such as us-national; the same at each upload. Letters, digits, “.”, “_”, “-”."
            required
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={wrong('name')}
          />
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput
              type="date"
              label="Date of the list"
              description="The registry’s"
              value={listDate}
              onChange={(event) => setListDate(event.currentTarget.value)}
              error={wrong('list_date')}
            />
            <NumberInput
              label="Fresh for"
              description="Days; older, it counts as missing (31 in the US and Canada)"
              suffix=" days"
              hideControls
              allowDecimal={false}
              value={maxAge}
              onChange={setMaxAge}
              error={wrong('max_age_days')}
            />
            <TextInput
              label="Column with the number"
              description="Empty: found by itself"
              value={column}
              onChange={(event) => setColumn(event.currentTarget.value)}
              error={wrong('phone_column')}
            />
            <Select
              label="Country of national numbers"
              description="None: international numbers only"
              data={COUNTRIES}
              searchable
              clearable
              limit={60}
              value={country}
              onChange={setCountry}
              error={wrong('default_country')}
            />
            <TextInput
              type="datetime-local"
              label="Its entries end"
              description={`Empty: never. ${VIEWER_ZONE}`}
              value={until}
              onChange={(event) => setUntil(event.currentTarget.value)}
              error={wrong('expires_at')}
            />
          </SimpleGrid>
          {send.problem && !send.problem.errors.some(({ field }) => shown.includes(field)) ? <Trouble error={send.problem} /> : null}
          {send.isBusy ? <Progress value={share * 100} aria-label="How much of the file has been sent" /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={send.isBusy} disabled={!file}>
              Upload
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function UndoList({ list, onClose }: { list: Uploaded; onClose: () => void }) {
  const [reason, setReason] = useState('')
  const undo = useCommand(
    (why: string) =>
      command.DELETE('/v1/suppression-lists/{list_id}', {
        params: { path: { list_id: list.list_id }, query: { reason: why.trim() } },
      }),
    onClose,
  )
  return (
    <Modal opened onClose={onClose} title={`Undo the list ${list.name}?`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (reason.trim()) void undo.fire(reason)
        }}
      >
        <Stack gap="md">
          <Text>
            All {plural(list.accepted, 'number')} of this upload may be called again, unless another entry names them. What
            people asked for themselves stays.
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
          {undo.problem ? <Trouble error={undo.problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Keep it
            </Button>
            <Button type="submit" color="red" loading={undo.isBusy} disabled={reason.trim() === ''}>
              Undo it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
