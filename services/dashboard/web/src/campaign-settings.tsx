// A campaign's settings: edited while it is a Draft or Paused, shown otherwise. What changes is shown before it is saved;
// only that is sent, and only if nobody else has changed the campaign meanwhile.
import { Alert, Box, Button, Fieldset, Group, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { asProblem, command, useCommand, type Command, type FieldError } from './api'
import { AgentFields, BasicFields, ContactRules, PaceFields, ScheduleFields } from './campaign-fields'
import {
  errorsOfStep,
  fieldsOf,
  otherErrors,
  patchOf,
  settingsOf,
  stillSo,
  STEPS,
  unreadable,
  wrongOf,
  type Fields,
  type Settings,
} from './campaign-form'
import { merged, type Patch } from './differences'
import { changesOf, concerns, settingsInWords } from './setting-words'
import { isEditable, useCampaign } from './campaign-page'
import { useMay } from './session'
import { ChangesTable, SettingsTable } from './settings-table'
import './steps.css'
import { Loading, Trouble } from './trouble'
import { CAMPAIGN_STATUSES, plural, type CampaignStatus } from './words'

/** The settings as campaign-command has them now, and the version to name when they are changed. */
type Base = { settings: Settings; version: number }

export function CampaignSettings() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId' })
  const { data: campaign } = useCampaign(campaignId)
  const mayAct = useMay('operator')
  if (!campaign) return null // the page shows why
  if (mayAct && isEditable(campaign)) return <Editor key={campaignId} campaignId={campaignId} />
  return <Shown status={campaign.status} settings={campaign.settings as Settings} mayAct={mayAct} />
}

type ShownProps = { status: CampaignStatus; settings: Settings; mayAct: boolean }

function Shown({ status, settings, mayAct }: ShownProps) {
  const { word } = CAMPAIGN_STATUSES[status]
  const why = !mayAct
    ? 'Your role lets you look at the settings; somebody with the role operator or admin can change them.'
    : status === 'running'
      ? 'A running campaign can’t be changed: pause it, edit it, and resume it.'
      : `A ${word.toLowerCase()} campaign can’t be changed any more: duplicate it, and edit the duplicate.`
  return (
    <Stack gap="md">
      <Alert variant="light" color="gray">
        {why}
      </Alert>
      <Box className="surface" p="md">
        <SettingsTable rows={settingsInWords(settings).filter(({ path }) => concerns(path, settings.type))} />
      </Box>
    </Stack>
  )
}

// --- editing ---------------------------------------------------------------------------------------------------------

/** An edit of nothing answers the settings of this moment with their version. */
async function readBase(campaign_id: string): Promise<Base> {
  const { data } = await command.PATCH('/v1/campaigns/{campaign_id}', {
    params: { path: { campaign_id } },
    body: {} as Record<string, never>,
  })
  const { settings, version } = data as Command['EditAnswer']
  return { settings, version }
}

function Editor({ campaignId }: { campaignId: string }) {
  const [base, setBase] = useState<Base | null>(null)
  const [fields, setFields] = useState<Fields | null>(null)
  const first = useQuery({
    queryKey: ['settings to edit', campaignId],
    queryFn: async () => {
      const read = await readBase(campaignId)
      setBase(read)
      setFields(fieldsOf(read.settings))
      return read
    },
    enabled: base === null,
    gcTime: 0,
  })
  if (!base || !fields) return first.error ? <Trouble error={first.error} retry={first.refetch} /> : <Loading rows={8} />
  return <Form campaignId={campaignId} base={base} setBase={setBase} fields={fields} setFields={setFields} />
}

type FormProps = {
  campaignId: string
  base: Base
  setBase: (base: Base) => void
  fields: Fields
  setFields: (fields: Fields) => void
}

function Form({ campaignId, base, setBase, fields, setFields }: FormProps) {
  const [unread, setUnread] = useState<FieldError[]>([])
  const [sent, setSent] = useState<Settings | null>(null)
  const [theirs, setTheirs] = useState<Base | null>(null)
  const save = useCommand(
    async ({ patch, version }: { patch: Patch; version: number }) => {
      const send = (named: number) =>
        command.PATCH('/v1/campaigns/{campaign_id}', {
          params: { path: { campaign_id: campaignId }, header: { 'If-Match': `"${named}"` } },
          body: patch as Record<string, never>,
        })
      try {
        return await send(version)
      } catch (error) {
        if (asProblem(error).status !== 412) throw error
        const now = await readBase(campaignId)
        // Its version counts more than edits: a pause, contacts that came. Only another edit is somebody else's word.
        if (changesOf(base.settings, now.settings).length === 0) return await send(now.version)
        setTheirs(now)
        throw error
      }
    },
    (answer: Pick<Command['EditAnswer'], 'version'> & { settings: object }) => {
      const settings = answer.settings as Settings
      setBase({ settings, version: answer.version })
      setFields(fieldsOf(settings))
      setTheirs(null)
      notifications.show({ title: 'Saved', message: `${plural(changesOf(base.settings, settings).length, 'setting')} changed.`, color: 'teal' })
    },
  )
  const wanted = settingsOf(fields, base.settings)
  const found = unreadable(fields)
  const changes = found.length > 0 ? [] : changesOf(base.settings, wanted)
  const told = new Set(unread.map(({ message }) => message))
  const errors = [...found.filter(({ message }) => told.has(message)), ...stillSo(save.problem?.errors ?? [], sent, wanted)]
  const send = (): void => {
    setUnread(found)
    setSent(wanted)
    if (found.length === 0) void save.fire({ patch: patchOf(base.settings, wanted), version: base.version })
  }
  const reset = (to: Base): void => {
    setBase(to)
    setFields(fieldsOf(to.settings))
    setUnread([])
    setTheirs(null)
    save.clear()
  }
  const part = { fields, onChange: setFields, wrong: wrongOf(errors) }
  const isOutbound = fields.type === 'outbound'
  const isDirty = changes.length > 0 || found.length > 0
  const wrongSteps = STEPS.filter((_, step) => errorsOfStep(errors, step).length > 0).map(({ title }) => title)
  const { problem } = save
  return (
    <form
      noValidate
      aria-label="Settings"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <Stack gap="md" maw={860}>
        <Fieldset legend={STEPS[0].title} className="surface">
          <BasicFields {...part} />
        </Fieldset>
        <Fieldset legend={STEPS[1].title} className="surface">
          <AgentFields {...part} />
        </Fieldset>
        <Fieldset legend="Schedule" className="surface">
          <ScheduleFields {...part} />
        </Fieldset>
        <PaceFields {...part} />
        {isOutbound ? (
          <Fieldset legend={STEPS[3].title} className="surface">
            <ContactRules {...part} />
          </Fieldset>
        ) : null}
        {theirs ? (
          <Conflict
            base={base}
            theirs={theirs}
            mine={wanted}
            onMine={() => {
              const both = merged(theirs.settings, patchOf(base.settings, wanted))
              setBase(theirs)
              setFields(fieldsOf(both))
              setTheirs(null)
              save.clear()
            }}
            onTheirs={() => reset(theirs)}
          />
        ) : null}
        <Box className="surface saves" p="md" role="region" aria-label="What you have changed">
          <Stack gap="sm">
            {problem && !theirs && (problem.errors.length === 0 || otherErrors(problem).length > 0) ? <Trouble error={problem} /> : null}
            {errors.length > 0 && wrongSteps.length > 0 ? (
              <Text c="var(--mantine-color-error)" role="alert">
                {plural(errors.length, 'field')} to correct, in: {wrongSteps.join(', ')}
              </Text>
            ) : null}
            {isDirty ? (
              <>
                <Title order={3}>What you have changed</Title>
                <ChangesTable name="Changes" changes={changes} />
                {found.length > 0 ? <Text c="var(--mantine-color-error)">{found.map(({ message }) => message).join('; ')}</Text> : null}
              </>
            ) : (
              <Text c="dimmed">Nothing is changed yet. Changes apply to calls from then on.</Text>
            )}
            <Group gap="xs">
              <Button type="submit" loading={save.isBusy} disabled={!isDirty || theirs !== null}>
                Save
              </Button>
              <Button variant="default" disabled={!isDirty || save.isBusy} onClick={() => reset(base)}>
                Undo all
              </Button>
            </Group>
          </Stack>
        </Box>
      </Stack>
    </form>
  )
}

type ConflictProps = { base: Base; theirs: Base; mine: Settings; onMine: () => void; onTheirs: () => void }

function Conflict({ base, theirs, mine, onMine, onTheirs }: ConflictProps) {
  const [other, own] = [changesOf(base.settings, theirs.settings), changesOf(base.settings, mine)]
  const paths = new Set(own.map(({ path }) => path))
  const both = new Set(other.map(({ path }) => path).filter((path) => paths.has(path)))
  return (
    <Alert color="yellow" variant="light" role="alert" title="Somebody else has changed this campaign meanwhile">
      <Stack gap="sm">
        <Text>Nothing of yours was saved yet.</Text>
        <Text fw={550}>Their change</Text>
        <ChangesTable name="Their change" changes={other} both={both} />
        <Text fw={550}>Yours</Text>
        <ChangesTable name="Your change" changes={own} both={both} />
        <Group gap="xs">
          <Button size="compact-sm" onClick={onMine}>
            Put mine on top of theirs
          </Button>
          <Button size="compact-sm" variant="default" onClick={onTheirs}>
            Drop mine
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {both.size > 0 ? 'Where both have changed the same setting, yours wins. ' : ''}You see the result before it is saved.
        </Text>
      </Stack>
    </Alert>
  )
}
