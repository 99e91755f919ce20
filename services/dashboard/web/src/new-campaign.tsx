// A new campaign in four steps. What is typed stays in this browser until the campaign is there: leaving, a reload, an
// ended session or a server that is away lose nothing.
import { Alert, Button, Group, Stack, Text, Title, UnstyledButton } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { command, useCommand, type Command, type FieldError } from './api'
import { AgentFields, BasicFields, ContactRules, PaceFields, ScheduleFields } from './campaign-fields'
import {
  blank,
  errorsOfStep,
  otherErrors,
  settingsOf,
  stillSo,
  STEPS,
  unreadable,
  wrongOf,
  type Fields,
  type Settings,
} from './campaign-form'
import { concerns, settingsInWords } from './setting-words'
import { SettingsTable } from './settings-table'
import { useMay, useSession } from './session'
import { Trouble } from './trouble'
import './steps.css'

type Draft = { fields: Fields; step: number }
const LAST = STEPS.length - 1
const keyOf = (workspace: string): string => `new campaign ${workspace}`

function read(workspace: string): Draft | null {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf(workspace)) ?? 'null') as Draft | null
    if (!kept) return null
    const start = blank()
    return {
      fields: { ...start, ...kept.fields, limits: { ...start.limits, ...kept.fields.limits }, retry: { ...start.retry, ...kept.fields.retry } },
      step: Math.min(LAST, Math.max(0, Number(kept.step) || 0)),
    }
  } catch {
    return null // not of this page's making
  }
}

export function NewCampaign() {
  const session = useSession()
  const mayAct = useMay('operator')
  const known = useRef(session) // a session that ends does not take the form away
  if (session.workspace) known.current = session
  const { workspace } = known.current
  if (session.workspace && !mayAct)
    return (
      <Stack gap="md">
        <Title order={1}>New campaign</Title>
        <Alert color="yellow" variant="light" title="Your role does not allow this">
          Somebody with the role operator or admin can create a campaign. <Link to="/campaigns">Back to the campaigns</Link>
        </Alert>
      </Stack>
    )
  return <Form key={workspace} workspace={workspace} />
}

function Form({ workspace }: { workspace: string }) {
  const navigate = useNavigate()
  const [kept] = useState(() => read(workspace))
  const [{ fields, step }, setDraft] = useState<Draft>(kept ?? { fields: blank(), step: 0 })
  const [unread, setUnread] = useState<FieldError[]>([])
  const [sent, setSent] = useState<Settings | null>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const done = useRef(false)
  useEffect(() => {
    if (!done.current && (kept || step > 0 || JSON.stringify(fields) !== JSON.stringify(blank())))
      localStorage.setItem(keyOf(workspace), JSON.stringify({ fields, step }))
  }, [workspace, fields, step, kept])
  const create = useCommand(
    (body: Command['CampaignSettings'], key) =>
      command.POST('/v1/campaigns', { params: { header: { 'Idempotency-Key': key } }, body }),
    async (made: Pick<Command['CampaignAnswer'], 'id'>) => {
      done.current = true
      localStorage.removeItem(keyOf(workspace))
      const to = fields.type === 'outbound' ? '/campaigns/$campaignId/import' : '/campaigns/$campaignId'
      await navigate({ to, params: { campaignId: made.id } })
    },
  )
  const told = new Set(unread.map(({ message }) => message))
  const errors = [
    ...unreadable(fields).filter(({ message }) => told.has(message)),
    ...stillSo(create.problem?.errors ?? [], sent, settingsOf(fields)),
  ]
  const go = (to: number): void => {
    setDraft({ fields, step: to })
    requestAnimationFrame(() => heading.current?.focus())
  }
  const send = async (): Promise<void> => {
    const found = unreadable(fields)
    setUnread(found)
    if (found.length > 0) return go(STEPS.findIndex((_, index) => errorsOfStep(found, index).length > 0))
    const settings = settingsOf(fields)
    setSent(settings)
    await create.fire(settings)
  }
  const { problem } = create
  useEffect(() => {
    const first = problem ? STEPS.findIndex((_, index) => errorsOfStep(problem.errors, index).length > 0) : -1
    if (first >= 0) setDraft((draft) => ({ ...draft, step: first }))
  }, [problem])
  const startAnew = (): void => {
    localStorage.removeItem(keyOf(workspace))
    setUnread([])
    create.clear()
    setDraft({ fields: blank(), step: 0 })
  }
  const part = {
    fields,
    onChange: (changed: Fields) => setDraft({ fields: changed, step }),
    wrong: wrongOf(errors),
    isNew: true,
  }
  const isDirty = JSON.stringify(fields) !== JSON.stringify(blank())
  return (
    <Stack gap="md" maw={860}>
      <Group justify="space-between" align="baseline">
        <Title order={1}>New campaign</Title>
        {isDirty ? (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              Kept in this browser as you type
            </Text>
            <Button variant="subtle" size="compact-sm" onClick={startAnew}>
              Start anew
            </Button>
          </Group>
        ) : null}
      </Group>
      <Group component="nav" aria-label="Steps" gap={6} className="steps" wrap="nowrap">
        {STEPS.map(({ title }, index) => {
          const wrong = errorsOfStep(errors, index).length
          return (
            <UnstyledButton
              key={title}
              className="step"
              data-wrong={wrong > 0 || undefined}
              aria-current={index === step ? 'step' : undefined}
              onClick={() => go(index)}
            >
              <span className="step-number" aria-hidden>
                {index + 1}
              </span>
              <span className="step-title">{title}</span>
              {wrong > 0 ? <Text span size="xs" c="var(--mantine-color-error)">{` ${wrong} to correct`}</Text> : null}
            </UnstyledButton>
          )
        })}
      </Group>
      <form
        className="surface"
        noValidate
        aria-label={STEPS[step]!.title}
        style={{ padding: 'var(--mantine-spacing-lg)' }}
        onSubmit={(event) => {
          event.preventDefault()
          if (step < LAST) go(step + 1)
          else void send()
        }}
      >
        <Stack gap="lg">
          <Title order={2} ref={heading} tabIndex={-1} style={{ outline: 'none' }}>
            {STEPS[step]!.title}
          </Title>
          {problem && (otherErrors(problem).length > 0 || problem.errors.length === 0) ? <Trouble error={problem} /> : null}
          {step === 0 ? <BasicFields {...part} /> : null}
          {step === 1 ? <AgentFields {...part} /> : null}
          {step === 2 ? (
            <>
              <ScheduleFields {...part} />
              <PaceFields {...part} />
            </>
          ) : null}
          {step === LAST ? <Contacts fields={fields} part={part} /> : null}
          <Group justify="space-between">
            <Button variant="default" disabled={step === 0} onClick={() => go(step - 1)}>
              Back
            </Button>
            {step < LAST ? (
              <Button type="submit">Next</Button>
            ) : (
              <Button type="submit" loading={create.isBusy}>
                Create the campaign
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Stack>
  )
}

type ContactsProps = { fields: Fields; part: Parameters<typeof ContactRules>[0] }

function Contacts({ fields, part }: ContactsProps) {
  const isOutbound = fields.type === 'outbound'
  return (
    <Stack gap="lg">
      <Text c="dimmed">
        {isOutbound
          ? 'Once the campaign is there, you bring its contacts from a file or add them by hand. Nothing is called before you start it.'
          : 'An inbound campaign has no list: whoever rings becomes a contact. Nothing is answered before you start it.'}
      </Text>
      {isOutbound ? <ContactRules {...part} /> : null}
      <Stack gap="xs">
        <Title order={3}>What you have set</Title>
        <SettingsTable
          rows={
            unreadable(fields).length > 0
              ? []
              : settingsInWords(settingsOf(fields)).filter(({ path }) => concerns(path, fields.type))
          }
        />
      </Stack>
    </Stack>
  )
}
