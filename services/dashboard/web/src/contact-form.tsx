// A contact's fields, to add one or to edit one.
import { ActionIcon, Autocomplete, Button, Fieldset, Group, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { command, useCommand, type Command, type Problem } from './api'
import { rowBecause } from './reasons'
import { Trouble } from './trouble'
import { VIEWER_ZONE } from './words'

type Contact = Command['ContactAnswer']
const TEXTS = {
  first_name: 'First name',
  last_name: 'Last name',
  name: 'Whole name',
  email: 'E-mail',
  external_id: 'Your own id',
} as const
const CONSENT = { consent_basis: 'Basis', consent_source: 'Source' } as const
type TextField = keyof typeof TEXTS | keyof typeof CONSENT | 'time_zone'
type Row = { name: string; value: string }
type Fields = Record<TextField, string> & { number: string; consent_at: string; variables: Row[] }

const ZONES = Intl.supportedValuesOf('timeZone')

function fieldsOf(contact?: Contact): Fields {
  const text = (value?: string | null): string => value ?? ''
  return {
    number: text(contact?.number),
    first_name: text(contact?.first_name),
    last_name: text(contact?.last_name),
    name: text(contact?.name),
    email: text(contact?.email),
    external_id: text(contact?.external_id),
    time_zone: contact?.zone_source === 'contact' ? text(contact.time_zones[0]) : '',
    consent_basis: text(contact?.consent_basis),
    consent_source: text(contact?.consent_source),
    consent_at: contact?.consent_at ? localInput(contact.consent_at) : '',
    variables: Object.entries(contact?.variables ?? {}).map(([name, value]) => ({ name, value })),
  }
}

/** An instant as the browser's own date and time field has it: the viewer's clock. */
function localInput(at: string): string {
  const date = new Date(at)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

const given = (fields: Fields, field: TextField): string | null => fields[field].trim() || null
const consentAt = (fields: Fields): string | null =>
  fields.consent_at ? new Date(fields.consent_at).toISOString() : null
const variablesOf = (fields: Fields): Record<string, string> =>
  Object.fromEntries(fields.variables.filter((row) => row.name.trim()).map((row) => [row.name.trim(), row.value]))

function whole(fields: Fields): Command['ContactIn'] {
  return {
    number: fields.number.trim(),
    first_name: given(fields, 'first_name'),
    last_name: given(fields, 'last_name'),
    name: given(fields, 'name'),
    email: given(fields, 'email'),
    external_id: given(fields, 'external_id'),
    time_zone: given(fields, 'time_zone'),
    consent_basis: given(fields, 'consent_basis'),
    consent_source: given(fields, 'consent_source'),
    consent_at: consentAt(fields),
    variables: variablesOf(fields),
  }
}

/** Only what differs, as a merge patch: a colleague's edit of another field stays. */
function patchOf(before: Fields, after: Fields): Partial<Command['ContactPatch']> {
  const patch: Record<string, unknown> = {}
  for (const field of [...Object.keys(TEXTS), ...Object.keys(CONSENT), 'time_zone'] as TextField[])
    if (given(before, field) !== given(after, field)) patch[field] = given(after, field)
  if (before.consent_at !== after.consent_at) patch.consent_at = consentAt(after)
  const [old, now] = [variablesOf(before), variablesOf(after)]
  const changed = Object.fromEntries([
    ...Object.keys(old)
      .filter((name) => !(name in now))
      .map((name) => [name, null]),
    ...Object.entries(now).filter(([name, value]) => old[name] !== value),
  ]) as Record<string, string | null>
  if (Object.keys(changed).length > 0) patch.variables = changed
  return patch as Partial<Command['ContactPatch']>
}

// --- the dialogs -----------------------------------------------------------------------------------------------------

export function AddContact({ campaignId, onClose }: { campaignId: string; onClose: () => void }) {
  const [fields, setFields] = useState(() => fieldsOf())
  const [refused, setRefused] = useState<string | null>(null)
  const add = useCommand(
    (contact: Command['ContactIn'], key) =>
      command.POST('/v1/campaigns/{campaign_id}/contacts', {
        params: { path: { campaign_id: campaignId }, header: { 'Idempotency-Key': key } },
        body: { contacts: [contact] },
      }),
    (answer: Command['AddedAnswers']) => {
      const [result] = answer.results
      if (result?.result === 'accepted') return onClose()
      setRefused(
        result?.result === 'duplicate'
          ? 'The campaign has this number already'
          : rowBecause(result?.reason ?? 'not_a_number'),
      )
    },
  )
  return (
    <Modal opened onClose={onClose} title="Add a contact" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setRefused(null)
          void add.fire(whole(fields))
        }}
      >
        <Stack gap="md">
          <Inputs fields={fields} onChange={setFields} problem={add.problem} refused={refused} isNew />
          <Ending busy={add.isBusy} problem={add.problem} onClose={onClose} disabled={fields.number.trim() === ''}>
            Add
          </Ending>
        </Stack>
      </form>
    </Modal>
  )
}

type EditProps = { contact: Contact; onClose: () => void }

export function EditContact({ contact, onClose }: EditProps) {
  const [before] = useState(() => fieldsOf(contact))
  const [fields, setFields] = useState(before)
  const edit = useCommand(
    (patch: Partial<Command['ContactPatch']>) =>
      command.PATCH('/v1/campaigns/{campaign_id}/contacts/{contact_id}', {
        params: { path: { campaign_id: contact.campaign_id, contact_id: contact.contact_id } },
        body: patch as Command['ContactPatch'],
      }),
    onClose,
  )
  const patch = patchOf(before, fields)
  return (
    <Modal opened onClose={onClose} title="Edit details" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void edit.fire(patch)
        }}
      >
        <Stack gap="md">
          <Text c="dimmed">
            The number {contact.number} stays. Changes apply from the next attempt.
          </Text>
          <Inputs fields={fields} onChange={setFields} problem={edit.problem} refused={null} />
          <Ending
            busy={edit.isBusy}
            problem={edit.problem}
            onClose={onClose}
            disabled={Object.keys(patch).length === 0}
          >
            Save
          </Ending>
        </Stack>
      </form>
    </Modal>
  )
}

type EndingProps = { busy: boolean; problem: Problem | null; onClose: () => void; disabled: boolean; children: string }

function Ending({ busy, problem, onClose, disabled, children }: EndingProps) {
  return (
    <>
      {problem ? <Trouble error={problem} /> : null}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        <Button type="submit" loading={busy} disabled={disabled}>
          {children}
        </Button>
      </Group>
    </>
  )
}

type InputsProps = {
  fields: Fields
  onChange: (fields: Fields) => void
  problem: Problem | null
  refused: string | null
  isNew?: boolean
}

function Inputs({ fields, onChange, problem, refused, isNew }: InputsProps) {
  const set = (changes: Partial<Fields>): void => onChange({ ...fields, ...changes })
  const wrong = (field: string): string | undefined =>
    problem?.errors.find((each) => each.field === field || each.field.endsWith(`.${field}`))?.message
  const input = (field: TextField, label: string) => (
    <TextInput
      key={field}
      label={label}
      dir="auto"
      autoComplete="off"
      value={fields[field]}
      onChange={(event) => set({ [field]: event.currentTarget.value })}
      error={wrong(field)}
    />
  )
  return (
    <>
      {isNew ? (
        <TextInput
          label="Number"
          description="International, such as +49 30 23125433, or national with the campaign’s default country"
          type="tel"
          data-autofocus
          required
          autoComplete="off"
          value={fields.number}
          onChange={(event) => set({ number: event.currentTarget.value })}
          error={refused ?? wrong('number')}
        />
      ) : null}
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {Object.entries(TEXTS).map(([field, label]) => input(field as TextField, label))}
        <Autocomplete
          label="Time zone"
          placeholder="From the number"
          data={ZONES}
          limit={8}
          value={fields.time_zone}
          onChange={(time_zone) => set({ time_zone })}
          error={wrong('time_zone')}
        />
      </SimpleGrid>
      <Fieldset legend="Consent">
        <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
          {Object.entries(CONSENT).map(([field, label]) => input(field as TextField, label))}
          <TextInput
            type="datetime-local"
            label="Given at"
            description={VIEWER_ZONE}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            value={fields.consent_at}
            onChange={(event) => set({ consent_at: event.currentTarget.value })}
            error={wrong('consent_at')}
          />
        </SimpleGrid>
      </Fieldset>
      <Fieldset legend="Variables for the agent’s prompt">
        <Stack gap="xs">
          {fields.variables.map((row, index) => (
            <Group key={index} gap="xs" wrap="nowrap" align="flex-end">
              <TextInput
                aria-label={`Variable ${index + 1}: name`}
                placeholder="Name"
                flex={1}
                maxLength={100}
                value={row.name}
                onChange={(event) => set({ variables: replaced(fields.variables, index, { ...row, name: event.currentTarget.value }) })}
              />
              <TextInput
                aria-label={`Variable ${index + 1}: value`}
                placeholder="Value"
                flex={2}
                dir="auto"
                value={row.value}
                onChange={(event) => set({ variables: replaced(fields.variables, index, { ...row, value: event.currentTarget.value }) })}
                error={row.name ? wrong(`variables.${row.name}`) : undefined}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={`Remove the variable ${row.name || index + 1}`}
                onClick={() => set({ variables: fields.variables.filter((_, at) => at !== index) })}
              >
                ×
              </ActionIcon>
            </Group>
          ))}
          <Group>
            <Button
              variant="subtle"
              size="compact-sm"
              disabled={fields.variables.length >= 64}
              onClick={() => set({ variables: [...fields.variables, { name: '', value: '' }] })}
            >
              Add a variable
            </Button>
          </Group>
        </Stack>
      </Fieldset>
    </>
  )
}

const replaced = (rows: Row[], index: number, row: Row): Row[] => rows.map((old, at) => (at === index ? row : old))
