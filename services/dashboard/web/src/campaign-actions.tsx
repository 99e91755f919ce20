// What may be done with a campaign in its status. Who may do nothing sees nothing.
import { Button, Group, Menu, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { command, useCommand, type Command, type Figures, type Problem } from './api'
import { CancelCampaign, DeleteCampaign, DuplicateCampaign } from './campaign-dialogs'
import { CommandButton } from './command-button'
import { lower, missingPart, statusBecause } from './reasons'
import { useMay } from './session'
import { TestCall } from './test-call'
import { Trouble } from './trouble'
import { count, plural } from './words'

type Dialog = 'cancel' | 'duplicate' | 'delete' | 'test call' | null

/** The buttons, and below them what went wrong with the last of them. */
export function CampaignActions({ campaign }: { campaign: Figures['Campaign'] }) {
  const mayAct = useMay('operator')
  const [dialog, setDialog] = useState<Dialog>(null)
  const more = useRef<HTMLButtonElement>(null)
  const about = (key: string) => ({
    params: { path: { campaign_id: campaign.id }, header: { 'Idempotency-Key': key } },
  })
  const start = useCommand(
    (ignore_missing_variables: boolean, key) =>
      command.POST('/v1/campaigns/{campaign_id}/start', {
        params: { ...about(key).params, query: { ignore_missing_variables } },
      }),
    (answer: Pick<Command['StartAnswer'], 'blocked'>) => tellBlocked(answer.blocked),
  )
  const pause = useCommand((_: void, key) => command.POST('/v1/campaigns/{campaign_id}/pause', about(key)))
  const resume = useCommand((_: void, key) => command.POST('/v1/campaigns/{campaign_id}/resume', about(key)))
  if (!mayAct) return null
  const failed = [start, pause, resume].find((each) => each.problem)
  const { status } = campaign
  const close = (): void => {
    setDialog(null)
    requestAnimationFrame(() => more.current?.focus()) // what opened it may be gone with its menu
  }
  return (
    <Stack gap="sm" miw={0}>
      <Group gap="xs">
        {status === 'draft' ? (
          <CommandButton command={start} input={false}>
            Start
          </CommandButton>
        ) : null}
        {status === 'running' ? (
          <CommandButton command={pause} input={undefined} variant="default">
            Pause
          </CommandButton>
        ) : null}
        {status === 'paused' ? (
          <CommandButton command={resume} input={undefined}>
            Resume
          </CommandButton>
        ) : null}
        {status === 'running' || status === 'paused' ? (
          <Button variant="default" onClick={() => setDialog('cancel')}>
            Cancel campaign…
          </Button>
        ) : null}
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <Button ref={more} variant="default">
              More
            </Button>
          </Menu.Target>
          <Menu.Dropdown aria-label="More actions">
            {status === 'draft' || status === 'running' || status === 'paused' ? (
              <Menu.Item onClick={() => setDialog('test call')}>Test call…</Menu.Item>
            ) : null}
            <Menu.Item onClick={() => setDialog('duplicate')}>Duplicate…</Menu.Item>
            <Menu.Item onClick={() => setDialog('delete')}>Delete…</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
      {failed?.problem ? (
        <Stack gap="xs" maw={560}>
          <Trouble error={failed.problem} />
          <WhatToDo problem={failed.problem} campaignId={campaign.id} />
          {failed.problem.code === 'missing_variables' ? (
            <Group gap="xs">
              <CommandButton command={start} input={true} variant="default" size="compact-sm">
                Start anyway
              </CommandButton>
            </Group>
          ) : null}
        </Stack>
      ) : null}
      {dialog === 'cancel' ? <CancelCampaign campaign={campaign} onClose={close} /> : null}
      {dialog === 'duplicate' ? <DuplicateCampaign campaign={campaign} onClose={close} /> : null}
      {dialog === 'delete' ? <DeleteCampaign campaign={campaign} onClose={close} /> : null}
      {dialog === 'test call' ? <TestCall campaign={campaign} onClose={close} /> : null}
    </Stack>
  )
}

function tellBlocked(blocked: Record<string, number>): void {
  const all = Object.values(blocked).reduce((sum, some) => sum + some, 0)
  if (all === 0) return
  notifications.show({
    title: 'Started',
    message: `${plural(all, 'contact')} will not be called: ${counts(blocked)}.`,
    color: 'yellow',
    autoClose: 12_000,
  })
}

const counts = (byReason: Record<string, number>): string =>
  Object.entries(byReason)
    .filter(([, some]) => some > 0)
    .map(([reason, some]) => `${lower(statusBecause(reason))} (${count(some)})`)
    .join(', ')

/** What a refusal says beside its sentence, and the page where it is mended. */
function WhatToDo({ problem, campaignId }: { problem: Problem; campaignId: string }) {
  const { code, extra } = problem
  const params = { campaignId }
  if (code === 'not_ready')
    return (
      <Text size="sm">
        {Array.isArray(extra.missing) ? `It still needs ${extra.missing.map((part) => missingPart(String(part))).join(' and ')}: ` : ''}
        <Link to="/campaigns/$campaignId/settings" params={params}>
          open its settings
        </Link>
      </Text>
    )
  if (code === 'no_contacts')
    return (
      <Text size="sm">
        <Link to="/campaigns/$campaignId/import" params={params}>
          Import contacts from a file
        </Link>{' '}
        or{' '}
        <Link to="/campaigns/$campaignId/contacts" params={params}>
          add some by hand
        </Link>
      </Text>
    )
  if (code === 'no_callable_contacts')
    return <Text size="sm">Why: {counts((extra.reasons ?? {}) as Record<string, number>) || 'every contact is finished'}.</Text>
  if (code === 'import_running')
    return (
      <Text size="sm">
        <Link to="/campaigns/$campaignId/import" params={params}>
          See how far the import is
        </Link>
      </Text>
    )
  if (code === 'schedule_ended')
    return (
      <Text size="sm">
        <Link to="/campaigns/$campaignId/settings" params={params}>
          Extend the end date
        </Link>
      </Text>
    )
  return null
}
