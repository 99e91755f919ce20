// What is asked before a campaign is cancelled, duplicated or deleted.
import { Alert, Button, Checkbox, Group, List, Modal, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { command, useCommand, type Command, type Figures } from './api'
import { CommandButton } from './command-button'
import { Trouble } from './trouble'
import { CONTACT_STATUSES, count, plural, type ContactStatus } from './words'

type Props = { campaign: Figures['Campaign']; onClose: () => void }

export function CancelCampaign({ campaign, onClose }: Props) {
  const cancel = useCommand((_: void, key) =>
    command.POST('/v1/campaigns/{campaign_id}/cancel', {
      params: { path: { campaign_id: campaign.id }, header: { 'Idempotency-Key': key } },
    }),
    onClose,
  )
  return (
    <Modal opened onClose={onClose} title="Cancel this campaign for good?">
      <Stack gap="md">
        <Alert color="red" variant="light" title="This is permanent">
          A cancelled campaign can never be started again. To stop for a while, pause it instead.
        </Alert>
        <List size="md" spacing={4}>
          <List.Item>No new call starts. Calls in progress end naturally and still record their outcome.</List.Item>
          {campaign.type === 'outbound' ? (
            <List.Item>
              Contacts that were not reached keep their status:{' '}
              {plural(campaign.contacts.pending + campaign.contacts.rescheduled, 'contact')} still wait now.
            </List.Item>
          ) : (
            <List.Item>Those who ring in afterwards are no longer answered.</List.Item>
          )}
          <List.Item>A duplicate can go on with those who were never reached.</List.Item>
        </List>
        {cancel.problem ? <Trouble error={cancel.problem} /> : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Keep it
          </Button>
          <CommandButton command={cancel} input={undefined} color="red.9">
            Cancel for good
          </CommandButton>
        </Group>
      </Stack>
    </Modal>
  )
}

type Which = 'none' | 'all' | 'never_reached' | 'by status'

export function DuplicateCampaign({ campaign, onClose }: Props) {
  const navigate = useNavigate()
  const [name, setName] = useState(`${campaign.name} (copy)`.slice(0, 200))
  const [which, setWhich] = useState<Which>('none')
  const [statuses, setStatuses] = useState<string[]>([])
  const duplicate = useCommand(
    (body: Command['Duplication'], key) =>
      command.POST('/v1/campaigns/{campaign_id}/duplicate', {
        params: { path: { campaign_id: campaign.id }, header: { 'Idempotency-Key': key } },
        body,
      }),
    async (made: Pick<Command['CampaignAnswer'], 'id'>) => {
      onClose()
      await navigate({ to: '/campaigns/$campaignId', params: { campaignId: made.id } })
    },
  )
  const { contacts } = campaign
  const nameProblem = duplicate.problem?.errors.find((wrong) => wrong.field === 'name')
  const wanted = which === 'by status' ? (statuses as ContactStatus[]) : which
  return (
    <Modal opened onClose={onClose} title="Duplicate this campaign">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void duplicate.fire({ name: name.trim() || null, contacts: wanted })
        }}
      >
        <Stack gap="md">
          <Text c="dimmed">A new Draft with the same settings. Nothing is called before it is started.</Text>
          <TextInput
            label="Name of the duplicate"
            data-autofocus
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={nameProblem?.message}
          />
          <Radio.Group label="Its contacts" value={which} onChange={(value) => setWhich(value as Which)}>
            <Stack gap="xs" mt={6}>
              <Radio value="none" label="None" />
              <Radio value="all" label={`All (${count(contacts.total)})`} disabled={contacts.total === 0} />
              <Radio
                value="never_reached"
                label="Those never reached who may still be called"
                description="Nobody has answered yet; without do not call and numbers that can’t be reached"
                disabled={contacts.total === 0}
              />
              <Radio value="by status" label="By status" disabled={contacts.total === 0} />
            </Stack>
          </Radio.Group>
          {which === 'by status' ? (
            <Checkbox.Group label="With these statuses" value={statuses} onChange={setStatuses}>
              <Group gap="sm" mt={6}>
                {Object.entries(CONTACT_STATUSES).map(([status, { word }]) => (
                  <Checkbox
                    key={status}
                    value={status}
                    label={`${word} (${count(contacts[status as ContactStatus])})`}
                    disabled={contacts[status as ContactStatus] === 0}
                  />
                ))}
              </Group>
            </Checkbox.Group>
          ) : null}
          {duplicate.problem && !nameProblem ? <Trouble error={duplicate.problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={duplicate.isBusy} disabled={which === 'by status' && statuses.length === 0}>
              Duplicate
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

const onePlain = (text: string): string => text.normalize('NFC').trim().replace(/\s+/g, ' ')

export function DeleteCampaign({ campaign, onClose }: Props) {
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const remove = useCommand(
    (_: void) =>
      command.DELETE('/v1/campaigns/{campaign_id}', {
        params: { path: { campaign_id: campaign.id }, query: { confirm: campaign.id } },
      }),
    () => navigate({ to: '/campaigns' }),
  )
  if (campaign.status === 'running')
    return (
      <Modal opened onClose={onClose} title="A running campaign can’t be deleted">
        <Stack gap="md">
          <Text>Pause it or cancel it first. Then it can be deleted, with all its contact data.</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus>
              Close
            </Button>
          </Group>
        </Stack>
      </Modal>
    )
  const matches = onePlain(typed) === onePlain(campaign.name)
  return (
    <Modal opened onClose={onClose} title="Delete this campaign?">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (matches) void remove.fire()
        }}
      >
        <Stack gap="md">
          <Alert color="red" variant="light" title="This can’t be undone">
            The campaign and all data of its {plural(campaign.contacts.total, 'contact')} are removed. Its calls stay in the
            call history.
          </Alert>
          <TextInput
            label="To confirm, type the campaign’s name"
            description={
              <Text span dir="auto" size="sm" fw={600} c="var(--mantine-color-text)" style={{ overflowWrap: 'anywhere' }}>
                {campaign.name}
              </Text>
            }
            data-autofocus
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          {remove.problem ? <Trouble error={remove.problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Keep it
            </Button>
            <Button type="submit" color="red.9" loading={remove.isBusy} disabled={!matches}>
              Delete for good
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
