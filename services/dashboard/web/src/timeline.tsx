// One contact: who it is, why it is or isn't called, everything that happened to it, and its calls.
import { Badge, Box, Button, Group, Modal, SimpleGrid, Stack, Text, Timeline as Line, Title } from '@mantine/core'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { command, commandQuery, dialerQuery, useCommand, type Command } from './api'
import { CallDetails } from './call-details'
import { CallTable } from './call-table'
import { isEditable, useCampaign } from './campaign-page'
import { CommandButton } from './command-button'
import { EditContact } from './contact-form'
import { ContactStatusBadge, nameOf } from './contacts'
import { Note } from './note'
import { plain } from './reasons'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { plural, Time, VIEWER_ZONE } from './words'

type Contact = Command['ContactAnswer']
const REREAD_MS = 3_000

export function Timeline() {
  const { campaignId, contactId } = useParams({ from: '/campaigns/$campaignId/contacts/$contactId' })
  const { call } = useSearch({ from: '/campaigns/$campaignId/contacts/$contactId' })
  const navigate = useNavigate({ from: '/campaigns/$campaignId/contacts/$contactId' })
  const campaign = useCampaign(campaignId).data
  const zone = campaign?.settings.schedule.time_zone ?? VIEWER_ZONE
  const params = { params: { path: { campaign_id: campaignId, contact_id: contactId } } }
  const polling = { refetchInterval: campaign?.status === 'running' ? REREAD_MS : (false as const) }
  const contact = commandQuery.useQuery('get', '/v1/campaigns/{campaign_id}/contacts/{contact_id}', params, polling)
  const timeline = commandQuery.useQuery(
    'get',
    '/v1/campaigns/{campaign_id}/contacts/{contact_id}/timeline',
    params,
    polling,
  )
  const calls = dialerQuery.useQuery(
    'get',
    '/v1/calls',
    { params: { query: { campaign_id: campaignId, contact_id: contactId, limit: 200 } } },
    polling,
  )
  const open = (next: string | undefined): void => void navigate({ search: { call: next } })
  return (
    <Stack gap="lg">
      <Link to="/campaigns/$campaignId/contacts" params={{ campaignId }} className="link">
        <Text span size="sm" c="dimmed">
          ← Contacts
        </Text>
      </Link>
      <Answer of={contact} rows={3}>
        {(found) => <About contact={found} mayChange={campaign !== undefined && isEditable(campaign)} />}
      </Answer>
      <Answer of={timeline}>
        {(told) => (
          <Stack gap="lg">
            <Now current={told.current} />
            <section aria-label="Timeline">
              <Title order={2} mb="md">
                Why it was called, or not
              </Title>
              {told.truncated ? (
                <Text c="dimmed" mb="sm">
                  The newest 1,000 entries; older ones are in the campaign’s log.
                </Text>
              ) : null}
              <Entries entries={told.entries} zone={zone} onOpen={open} />
            </section>
          </Stack>
        )}
      </Answer>
      <section aria-label="Call history">
        <Title order={2} mb="md">
          Calls
        </Title>
        <Answer of={calls} rows={2}>
          {(page) =>
            page.items.length === 0 ? <Text c="dimmed">No call yet.</Text> : <CallTable calls={page.items} onOpen={open} />
          }
        </Answer>
      </section>
      <CallDetails callId={call} zone={zone} onClose={() => open(undefined)} />
    </Stack>
  )
}

function About({ contact, mayChange }: { contact: Contact; mayChange: boolean }) {
  const mayAct = useMay('operator')
  const [dialog, setDialog] = useState<'edit' | 'remove' | null>(null)
  const name = nameOf(contact)
  const facts: [string, string | null][] = [
    ['E-mail', contact.email],
    ['Your own id', contact.external_id],
    ['Time zones', `${contact.time_zones.join(', ') || 'not known'} (from the ${contact.zone_source})`],
    ['Attempts', plural(contact.attempt, 'dialled attempt')],
    ['Reached', contact.reached ? 'A person has answered' : 'Not yet'],
    ['Consent', contact.consent_basis],
    ['Consent from', contact.consent_source],
    ...Object.entries(contact.variables).map(([key, value]): [string, string] => [`{${key}}`, value]),
  ]
  return (
    <Box className="surface" p="md">
      <Group justify="space-between" align="flex-start">
        <Stack gap={2} miw={0}>
          <Group gap="md">
            <Title order={2} dir="auto" style={{ overflowWrap: 'anywhere' }}>
              {name || contact.number}
            </Title>
            <ContactStatusBadge contact={contact} />
          </Group>
          <Text c="dimmed">
            {name ? `${contact.number} · ` : ''}added <Time at={contact.added_at} />
          </Text>
        </Stack>
        {mayAct && mayChange ? (
          <Group gap="xs">
            <Button variant="default" onClick={() => setDialog('edit')}>
              Edit details
            </Button>
            <Button variant="default" onClick={() => setDialog('remove')}>
              Remove…
            </Button>
          </Group>
        ) : mayAct ? (
          <Text size="sm" c="dimmed" maw={240}>
            Details can be edited while the campaign is Draft or Paused.
          </Text>
        ) : null}
      </Group>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="md" mt="md" component="dl" mb={0}>
        {facts
          .filter(([, value]) => value)
          .map(([label, value]) => (
            <div key={label}>
              <Text component="dt" size="sm" c="dimmed">
                {label}
              </Text>
              <Text component="dd" m={0} dir="auto" style={{ overflowWrap: 'anywhere' }}>
                {value}
              </Text>
            </div>
          ))}
        {contact.consent_at ? (
          <div>
            <Text component="dt" size="sm" c="dimmed">
              Consent given
            </Text>
            <Text component="dd" m={0}>
              <Time at={contact.consent_at} />
            </Text>
          </div>
        ) : null}
      </SimpleGrid>
      {dialog === 'edit' ? <EditContact contact={contact} onClose={() => setDialog(null)} /> : null}
      {dialog === 'remove' ? <RemoveContact contact={contact} onClose={() => setDialog(null)} /> : null}
    </Box>
  )
}

function RemoveContact({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const navigate = useNavigate()
  const { campaign_id, contact_id } = contact
  const remove = useCommand(
    (_: void) =>
      command.DELETE('/v1/campaigns/{campaign_id}/contacts/{contact_id}', { params: { path: { campaign_id, contact_id } } }),
    () => navigate({ to: '/campaigns/$campaignId/contacts', params: { campaignId: campaign_id } }),
  )
  return (
    <Modal opened onClose={onClose} title="Remove this contact?">
      <Stack gap="md">
        <Text>It leaves the campaign with its data and this timeline. Calls made stay in the call history.</Text>
        {remove.problem ? <Trouble error={remove.problem} /> : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Keep it
          </Button>
          <CommandButton command={remove} input={undefined} color="red.9">
            Remove
          </CommandButton>
        </Group>
      </Stack>
    </Modal>
  )
}

function Now({ current }: { current: Command['CurrentReason'] }) {
  return (
    <Note
      name="Now"
      tone={current.code === 'ready' || current.code === 'in_progress' ? 'good' : current.never ? 'over' : 'waits'}
      title={current.never ? 'It will not be called' : current.code === 'in_progress' ? 'Now' : 'Why it isn’t called right now'}
    >
      <Text>{current.text}</Text>
      {current.next_possible_at ? (
        <Text mt={4}>
          Next possible: <Time at={current.next_possible_at} />
        </Text>
      ) : !current.never && current.code !== 'in_progress' ? (
        <Text mt={4} c="dimmed">
          When a call is possible next is not known yet.
        </Text>
      ) : null}
    </Note>
  )
}

type EntriesProps = { entries: Command['TimelineEntry'][]; zone: string; onOpen: (callId: string) => void }

function Entries({ entries, zone, onOpen }: EntriesProps) {
  return (
    <Line active={entries.length} bulletSize={12} lineWidth={2}>
      {entries.map((entry, index) => (
        <Line.Item key={`${entry.position ?? 'start'} ${index}`}>
          <Text>{entry.text}</Text>
          <Group gap="sm">
            <Text size="sm" c="dimmed">
              <Time at={entry.at} zone={zone} seconds />
            </Text>
            {entry.call_id ? (
              <Button variant="subtle" size="compact-xs" aria-haspopup="dialog" onClick={() => onOpen(entry.call_id!)}>
                The call
              </Button>
            ) : null}
            {entry.settings_version ? (
              <Text size="sm" c="dimmed">
                settings version {entry.settings_version}
              </Text>
            ) : null}
            {entry.position !== null ? (
              <Text size="sm" c="dimmed">
                #{entry.position}
              </Text>
            ) : null}
          </Group>
          {entry.checks ? <Checks checks={entry.checks} /> : null}
        </Line.Item>
      ))}
    </Line>
  )
}

function Checks({ checks }: { checks: Command['PermitChecks'] }) {
  const words = Object.entries(checks).filter(([, value]) => value !== null)
  return (
    <Group gap={6} mt={4} aria-label="What was checked" role="group">
      {words.map(([name, value]) => (
        <Badge key={name} variant="default">
          {plain(name)}: {plain(String(value)).toLowerCase()}
        </Badge>
      ))}
    </Group>
  )
}
