// What holds for all campaigns of the workspace: caps, how long numbers are kept, trunks and phone numbers. Seen by all,
// changed by admins; a change of somebody else's meanwhile is shown, not overwritten.
import { ActionIcon, Alert, Autocomplete, Box, Button, Fieldset, Group, NumberInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState, type ReactNode } from 'react'
import { command, commandQuery, useCommand, type Command, type FieldError, type Firing } from './api'
import { CapFields } from './campaign-fields'
import { wrongOf, type Num } from './campaign-form'
import { capsInWords } from './setting-words'
import { HOW_TO_WRITE, readDuration, writtenDuration } from './durations'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { count, plural } from './words'

type Workspace = Command['WorkspaceAnswer']
type Trunk = Workspace['trunks'][number]
type PhoneNumber = Workspace['phone_numbers'][number]

export function WorkspaceSettings() {
  const mayChange = useMay('admin')
  const query = commandQuery.useQuery('get', '/v1/workspace', {}, { refetchInterval: 5_000 })
  return (
    <Stack gap="sm" component="section" aria-label="Workspace">
      <div>
        <Title order={2}>Workspace</Title>
        <Text size="sm" c="dimmed">
          Holds for all campaigns{mayChange ? '.' : '; an admin can change it.'}
        </Text>
      </div>
      <Answer of={query}>
        {(workspace) =>
          mayChange ? (
            <>
              <General workspace={workspace} />
              <TrunkSettings workspace={workspace} />
              <PhoneNumbers workspace={workspace} />
            </>
          ) : (
            <Shown workspace={workspace} />
          )
        }
      </Answer>
    </Stack>
  )
}

function Shown({ workspace }: { workspace: Workspace }) {
  return (
    <Box className="surface" p="md">
      <Stack gap={6}>
        <Text>Calls to one number: {capsInWords(workspace.caps)}</Text>
        <Text>The call history keeps numbers for {plural(workspace.retention_days, 'day')}</Text>
        <Text>
          Trunks: {workspace.trunks.map(({ id, name }) => (name ? `${id} (${name})` : id)).join(', ') || 'the default one'}
        </Text>
        <Text style={{ overflowWrap: 'anywhere' }}>
          Phone numbers:{' '}
          {workspace.phone_numbers.map(({ number, label }) => (label ? `${number} (${label})` : number)).join(', ') ||
            'none registered: campaigns may call from any'}
        </Text>
      </Stack>
    </Box>
  )
}

// --- one form after the other ----------------------------------------------------------------------------------------

/**
 * What a form edits: the workspace as it was when the editing began. While nothing is typed it follows the workspace; a
 * change of somebody else's then meets the If-Match of `version`.
 */
function useEdited<Value>(workspace: Workspace, pick: (workspace: Workspace) => Value) {
  const now = pick(workspace)
  const [edited, setEdited] = useState<{ value: Value; from: string; version: number } | null>(null)
  const value = edited ? edited.value : now
  return {
    value,
    version: edited?.version ?? workspace.version,
    isDirty: edited !== null && JSON.stringify(edited.value) !== edited.from,
    isOvertaken: edited !== null && edited.from !== JSON.stringify(now),
    set: (next: Value): void =>
      setEdited((before) => ({
        value: next,
        from: before?.from ?? JSON.stringify(now),
        version: before?.version ?? workspace.version,
      })),
    reset: (): void => setEdited(null),
    /** Other settings of the workspace have the same version: only a change of this one is in the way. */
    versionToName: edited !== null && edited.from === JSON.stringify(now) ? workspace.version : (edited?.version ?? workspace.version),
  }
}

type Edited = ReturnType<typeof useEdited<unknown>>
type SaveProps = { edited: Edited; save: Firing<void>; errors: FieldError[]; mine: (field: string) => boolean; what: string; children: ReactNode }

function Saved({ edited, save, errors, mine, what, children }: SaveProps) {
  const shown = errors.length > 0 && errors.every(({ field }) => mine(field))
  const reset = (): void => {
    edited.reset()
    save.clear()
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void save.fire()
      }}
    >
      <Fieldset legend={what} className="surface">
        <Stack gap="sm">
          {children}
          {save.problem && save.problem.status !== 412 && !shown ? <Trouble error={save.problem} /> : null}
          {edited.isOvertaken || save.problem?.status === 412 ? (
            <Alert color="yellow" variant="light" role="alert" title="Somebody else has changed this meanwhile">
              <Stack gap="xs">
                <Text>Yours is not saved. See theirs, then make your change again.</Text>
                <Group>
                  <Button size="compact-sm" variant="default" onClick={reset}>
                    Show theirs
                  </Button>
                </Group>
              </Stack>
            </Alert>
          ) : null}
          {edited.isDirty ? (
            <Group gap="xs">
              <Button type="submit" size="compact-sm" loading={save.isBusy} disabled={edited.isOvertaken}>
                Save
              </Button>
              <Button size="compact-sm" variant="default" disabled={save.isBusy} onClick={reset}>
                Undo
              </Button>
            </Group>
          ) : null}
        </Stack>
      </Fieldset>
    </form>
  )
}

const tell = (): void => {
  notifications.show({ title: 'Saved', message: 'It holds for calls from now on.', color: 'teal' })
}
const ifMatch = (version: number) => ({ params: { header: { 'If-Match': `"${version}"` } } })

function General({ workspace }: { workspace: Workspace }) {
  const edited = useEdited(workspace, ({ caps, retention_days }) => ({
    caps: caps.map((cap) => ({ calls: cap.calls as Num, window: writtenDuration(cap.window_seconds) })),
    retention_days: retention_days as Num,
  }))
  const { caps, retention_days } = edited.value
  const unread = caps.flatMap(({ window }, index) =>
    readDuration(window) === null
      ? [{ field: `caps.${index}.window_seconds`, message: `“${window}” can’t be read; ${HOW_TO_WRITE}` }]
      : [],
  )
  const save = useCommand(
    (_: void) => {
      const body = {
        caps: caps.map((cap) => ({ calls: cap.calls, window_seconds: readDuration(cap.window) ?? cap.window })),
        retention_days,
      }
      return command.PATCH('/v1/workspace', { ...ifMatch(edited.versionToName), body: body as unknown as Record<string, never> })
    },
    () => {
      edited.reset()
      tell()
    },
  )
  const errors = [...(edited.isDirty ? unread : []), ...(save.problem?.errors ?? [])]
  const wrong = wrongOf(errors)
  const isMine = (field: string): boolean => field.startsWith('caps') || field === 'retention_days'
  return (
    <Saved edited={edited as Edited} save={save} errors={errors} mine={isMine} what="Caps and retention">
      <Text size="sm" fw={500}>
        Calls to one number, over all campaigns
      </Text>
      <CapFields caps={caps} onChange={(next) => edited.set({ ...edited.value, caps: next })} wrong={wrong} at="caps" most={10} />
      <NumberInput
        label="The call history keeps numbers for"
        description="Days, at most 3,653; also the words of a call"
        w={{ base: '100%', xs: 320 }}
        suffix=" days"
        allowDecimal={false}
        thousandSeparator=","
        hideControls
        value={retention_days}
        onChange={(days: Num) => edited.set({ ...edited.value, retention_days: days })}
        error={wrong('retention_days')}
      />
    </Saved>
  )
}

type TrunkRow = Omit<Trunk, 'max_calls' | 'calls_per_second'> & { max_calls: Num; calls_per_second: Num }

function TrunkSettings({ workspace }: { workspace: Workspace }) {
  const edited = useEdited(workspace, ({ trunks }) =>
    trunks.map((trunk): TrunkRow => ({ ...trunk, max_calls: trunk.max_calls ?? '', calls_per_second: trunk.calls_per_second ?? '' })),
  )
  const rows = edited.value
  const set = (index: number, changes: Partial<TrunkRow>): void => edited.set(rows.with(index, { ...rows[index]!, ...changes }))
  const save = useCommand(
    (_: void) => {
      const orNull = (value: Num) => (value === '' ? null : value) as number | null
      const trunks = rows.map((row) => ({ ...row, max_calls: orNull(row.max_calls), calls_per_second: orNull(row.calls_per_second) }))
      return command.PUT('/v1/trunks', { ...ifMatch(edited.versionToName), body: { trunks } })
    },
    () => {
      edited.reset()
      tell()
    },
  )
  const errors = save.problem?.errors ?? []
  const wrong = wrongOf(errors)
  return (
    <Saved edited={edited as Edited} save={save} errors={errors} mine={(field) => /^trunks\./.test(field)} what="Trunks">
      <Text size="sm" c="dimmed">
        Ways into the telephone network, with ceilings for all campaigns together. The trunk “default” is there without being
        set: numbers that name no trunk go through it.
      </Text>
      {rows.map((row, index) => (
        <Group key={index} gap="xs" align="flex-start" role="group" aria-label={`Trunk ${index + 1}`}>
          <TextInput label="Id" w={150} value={row.id} onChange={(event) => set(index, { id: event.currentTarget.value })} error={wrong(`trunks.${index}.id`)} />
          <TextInput label="Name" flex={1} miw={150} dir="auto" value={row.name} onChange={(event) => set(index, { name: event.currentTarget.value })} error={wrong(`trunks.${index}.name`)} />
          <NumberInput label="Calls at most" w={120} hideControls allowDecimal={false} placeholder="no ceiling" value={row.max_calls} onChange={(max_calls: Num) => set(index, { max_calls })} error={wrong(`trunks.${index}.max_calls`)} />
          <NumberInput label="Per second" w={120} hideControls allowDecimal={false} placeholder="no ceiling" value={row.calls_per_second} onChange={(calls_per_second: Num) => set(index, { calls_per_second })} error={wrong(`trunks.${index}.calls_per_second`)} />
          <ActionIcon mt={26} variant="subtle" color="gray" size="lg" aria-label={`Remove the trunk ${row.id || index + 1}`} onClick={() => edited.set(rows.toSpliced(index, 1))}>
            ×
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button
          variant="subtle"
          size="compact-sm"
          disabled={rows.length >= 50}
          onClick={() => edited.set([...rows, { id: '', name: '', carrier: 'simulated', max_calls: '', calls_per_second: '' }])}
        >
          Add a trunk
        </Button>
      </Group>
    </Saved>
  )
}

type NumberRow = Omit<PhoneNumber, 'label'> & { label: string }

function PhoneNumbers({ workspace }: { workspace: Workspace }) {
  const edited = useEdited(workspace, ({ phone_numbers }) =>
    phone_numbers.map((each): NumberRow => ({ ...each, label: each.label ?? '' })),
  )
  const rows = edited.value
  const [from, setFrom] = useState(0)
  const set = (index: number, changes: Partial<NumberRow>): void => edited.set(rows.with(index, { ...rows[index]!, ...changes }))
  const save = useCommand(
    (_: void) => {
      const phone_numbers = rows.map((row) => ({ ...row, number: row.number.replace(/[\s().\-/]/g, ''), label: row.label.trim() || null }))
      return command.PUT('/v1/phone-numbers', { ...ifMatch(edited.versionToName), body: { phone_numbers } })
    },
    () => {
      edited.reset()
      tell()
    },
  )
  const errors = save.problem?.errors ?? []
  const wrong = wrongOf(errors)
  const first = Math.min(from, Math.max(0, rows.length - 1))
  return (
    <Saved edited={edited as Edited} save={save} errors={errors} mine={(field) => /^phone_numbers\./.test(field)} what="Phone numbers">
      <Text size="sm" c="dimmed">
        Where any are registered, campaigns may call from these only.
      </Text>
      {errors.map(({ field, message }) => {
        const index = Number(/^phone_numbers\.(\d+)/.exec(field)?.[1] ?? -1)
        return index >= 0 && (index < first || index >= first + SHOWN) ? (
          <Text key={field} size="sm" c="var(--mantine-color-error)">
            Number {index + 1} ({rows[index]?.number}): {message}
          </Text>
        ) : null
      })}
      {rows.slice(first, first + SHOWN).map((row, offset) => {
        const index = first + offset
        return (
          <Group key={index} gap="xs" align="flex-start" role="group" aria-label={`Phone number ${index + 1}`}>
            <TextInput label="Number" w={180} type="tel" autoComplete="off" value={row.number} onChange={(event) => set(index, { number: event.currentTarget.value })} error={wrong(`phone_numbers.${index}.number`)} />
            <Autocomplete
              label="Trunk"
              w={150}
              data={['default', ...workspace.trunks.map(({ id }) => id).filter((id) => id !== 'default')]}
              value={row.trunk}
              onChange={(trunk) => set(index, { trunk })}
              error={wrong(`phone_numbers.${index}.trunk`)}
            />
            <TextInput label="Label" flex={1} miw={150} dir="auto" value={row.label} onChange={(event) => set(index, { label: event.currentTarget.value })} error={wrong(`phone_numbers.${index}.label`)} />
            <ActionIcon mt={26} variant="subtle" color="gray" size="lg" aria-label={`Remove the number ${row.number || index + 1}`} onClick={() => edited.set(rows.toSpliced(index, 1))}>
              ×
            </ActionIcon>
          </Group>
        )
      })}
      {rows.length > SHOWN ? (
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            {count(first + 1)}–{count(Math.min(rows.length, first + SHOWN))} of {count(rows.length)}
          </Text>
          <Button variant="default" size="compact-xs" disabled={first === 0} onClick={() => setFrom(Math.max(0, first - SHOWN))}>
            Previous
          </Button>
          <Button variant="default" size="compact-xs" disabled={first + SHOWN >= rows.length} onClick={() => setFrom(first + SHOWN)}>
            Next
          </Button>
        </Group>
      ) : null}
      <Group>
        <Button
          variant="subtle"
          size="compact-sm"
          disabled={rows.length >= 1000}
          onClick={() => {
            edited.set([...rows, { number: '', trunk: 'default', label: '' }])
            setFrom(Math.floor(rows.length / SHOWN) * SHOWN)
          }}
        >
          Add a number
        </Button>
      </Group>
    </Saved>
  )
}

const SHOWN = 20
