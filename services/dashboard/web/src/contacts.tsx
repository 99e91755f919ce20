// The contacts of a campaign: found by status and words, added, removed; each leads to its timeline.
import {
  Box,
  Button,
  Checkbox,
  Chip,
  Group,
  Modal,
  Stack,
  Table,
  Text,
} from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { keepPreviousData } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { command, commandQuery, useCommand, type Command } from './api'
import { isEditable, useCampaign } from './campaign-page'
import { CommandButton } from './command-button'
import { AddContact } from './contact-form'
import { Paging } from './paging'
import { statusBecause } from './reasons'
import { SearchField } from './search-field'
import type { ContactsSearch } from './searches'
import { useMay } from './session'
import { Answer, Trouble } from './trouble'
import { CONTACT_STATUSES, count, plural, Status, Time, VIEWER_ZONE, type ContactStatus } from './words'

type Contact = Command['ContactAnswer']
const REREAD_MS = 3_000
/** What a person is called, as far as that is known. */
export const nameOf = (contact: Pick<Contact, 'name' | 'first_name' | 'last_name'>): string =>
  contact.name ?? [contact.first_name, contact.last_name].filter(Boolean).join(' ')

export function Contacts() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId/contacts' })
  const search = useSearch({ from: '/campaigns/$campaignId/contacts' })
  const navigate = useNavigate({ from: '/campaigns/$campaignId/contacts' })
  const campaign = useCampaign(campaignId).data
  const mayAct = useMay('operator')
  const mayChange = mayAct && campaign !== undefined && isEditable(campaign)
  const [adding, setAdding] = useState(false)
  const [chosen, setChosen] = useState<string[]>([])
  const ask = (changes: ContactsSearch, replace = false): void => {
    setChosen([])
    void navigate({ search: (now) => ({ ...now, cursor: undefined, ...changes }), replace })
  }
  const query = commandQuery.useQuery(
    'get',
    '/v1/campaigns/{campaign_id}/contacts',
    {
      params: {
        path: { campaign_id: campaignId },
        query: {
          status: search.status?.split(',') as ContactStatus[] | undefined,
          q: search.q,
          cursor: search.cursor,
        },
      },
    },
    {
      placeholderData: keepPreviousData,
      refetchInterval: campaign?.status === 'running' && !search.cursor ? REREAD_MS : false,
    },
  )
  const statuses = search.status?.split(',') ?? []
  const isFiltered = Boolean(search.status ?? search.q)
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="sm">
        <SearchField
          aria-label="Search by number or name"
          placeholder="Beginning of a number or name"
          w={{ base: '100%', sm: 280 }}
          dir="auto"
          value={search.q ?? ''}
          onChange={(q) => ask({ q: q || undefined }, true)}
        />
        <Group gap="xs">
          {campaign && campaign.contacts.total > 0 ? (
            <Button
              component="a"
              variant="default"
              href={`/api/campaign-command/v1/campaigns/${campaignId}/results.csv`}
              download
            >
              Download all (CSV)
            </Button>
          ) : null}
          {mayChange ? (
            <>
              <Button variant="default" renderRoot={(props) => <ToImport campaignId={campaignId} {...props} />}>
                Import a file
              </Button>
              <Button onClick={() => setAdding(true)}>Add a contact</Button>
            </>
          ) : null}
        </Group>
      </Group>
      <Chip.Group multiple value={statuses} onChange={(some) => ask({ status: some.join(',') || undefined })}>
        <Group gap={6} role="group" aria-label="Status">
          {Object.entries(CONTACT_STATUSES).map(([status, { word }]) => (
            <Chip key={status} value={status} size="xs" variant="light">
              {word} {campaign ? count(campaign.contacts[status as ContactStatus]) : ''}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {mayAct && campaign?.status === 'running' ? (
        <Text size="sm" c="dimmed">
          Pause the campaign to add, edit or remove contacts.
        </Text>
      ) : null}
      {mayChange && chosen.length > 0 ? (
        <Remove campaignId={campaignId} chosen={chosen} onDone={() => setChosen([])} />
      ) : null}
      <Answer of={query} rows={8}>
        {(page) => (
          <Stack gap="sm" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
            {page.items.length === 0 ? (
              <Nothing isFiltered={isFiltered} mayChange={mayChange} onAdd={() => setAdding(true)} campaignId={campaignId} />
            ) : (
              <Rows contacts={page.items} chosen={mayChange ? chosen : null} onChoose={setChosen} />
            )}
            <Paging
              by="cursor"
              now={search.cursor}
              next={page.next_cursor}
              says={`${count(page.items.length)} of ${page.total_is_exact ? '' : 'at least '}${count(page.total)}`}
            />
          </Stack>
        )}
      </Answer>
      {adding ? <AddContact campaignId={campaignId} onClose={() => setAdding(false)} /> : null}
    </Stack>
  )
}

type RowsProps = { contacts: Contact[]; chosen: string[] | null; onChoose: (ids: string[]) => void }

function Rows({ contacts, chosen, onChoose }: RowsProps) {
  const small = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false })
  const toggle = (id: string): void =>
    onChoose(chosen?.includes(id) ? chosen.filter((other) => other !== id) : [...(chosen ?? []), id])
  const box = (contact: Contact) =>
    chosen ? (
      <Checkbox
        size="xs"
        pos="relative"
        style={{ zIndex: 1 }}
        aria-label={`Choose ${nameOf(contact) || contact.number}`}
        checked={chosen.includes(contact.contact_id)}
        onChange={() => toggle(contact.contact_id)}
      />
    ) : null
  if (small)
    return (
      <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {contacts.map((contact) => (
          <Box component="li" key={contact.contact_id} className="surface leads" p="sm">
            <Stack gap={6}>
              <Group justify="space-between" wrap="nowrap" align="flex-start">
                <Group gap="sm" wrap="nowrap" align="flex-start" miw={0}>
                  {box(contact)}
                  <Who contact={contact} />
                </Group>
                <ContactStatusBadge contact={contact} />
              </Group>
              <Text size="sm" c="dimmed">
                {plural(contact.attempt, 'attempt')} · <Why contact={contact} />
              </Text>
            </Stack>
          </Box>
        ))}
      </Stack>
    )
  const all = contacts.map((contact) => contact.contact_id)
  return (
    <Box className="surface" style={{ overflow: 'hidden' }}>
      <Table className="table" layout="fixed" aria-label="Contacts">
        <Table.Thead>
          <Table.Tr>
            {chosen ? (
              <Table.Th w={44}>
                <Checkbox
                  size="xs"
                  aria-label="Choose all on this page"
                  checked={chosen.length === all.length}
                  indeterminate={chosen.length > 0 && chosen.length < all.length}
                  onChange={(event) => onChoose(event.currentTarget.checked ? all : [])}
                />
              </Table.Th>
            ) : null}
            <Table.Th>Contact</Table.Th>
            <Table.Th w={150}>Status</Table.Th>
            <Table.Th w="28%">Why</Table.Th>
            <Table.Th w={90}>Attempts</Table.Th>
            <Table.Th w={180}>
              Next attempt
              <Text size="xs" fw={400}>
                {VIEWER_ZONE}
              </Text>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {contacts.map((contact) => (
            <Table.Tr key={contact.contact_id} className="leads">
              {chosen ? <Table.Td>{box(contact)}</Table.Td> : null}
              <Table.Td>
                <Who contact={contact} />
              </Table.Td>
              <Table.Td>
                <ContactStatusBadge contact={contact} />
              </Table.Td>
              <Table.Td>
                <Text size="sm" c="dimmed">
                  <Why contact={contact} />
                </Text>
              </Table.Td>
              <Table.Td className="number">{count(contact.attempt)}</Table.Td>
              <Table.Td>{contact.next_attempt_at ? <Time at={contact.next_attempt_at} quiet /> : '–'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

function Who({ contact }: { contact: Contact }) {
  const name = nameOf(contact)
  return (
    <Box miw={0}>
      <Link
        to="/campaigns/$campaignId/contacts/$contactId"
        params={{ campaignId: contact.campaign_id, contactId: contact.contact_id }}
        className="link stretched"
        style={{ fontWeight: 550, overflowWrap: 'anywhere' }}
      >
        <bdi>{name || contact.number}</bdi>
      </Link>
      {name ? (
        <Text size="sm" c="dimmed" className="number">
          {contact.number}
        </Text>
      ) : null}
    </Box>
  )
}

export function ContactStatusBadge({ contact }: { contact: Pick<Contact, 'status'> }) {
  return <Status of={CONTACT_STATUSES[contact.status]} />
}

function Why({ contact }: { contact: Contact }) {
  if (!contact.callable) return <>{statusBecause(contact.not_callable_reason ?? 'not_callable')}</>
  if (contact.reason) return <>{statusBecause(contact.reason)}</>
  return <>{contact.reached ? 'Reached' : 'Not reached yet'}</>
}

type RemoveProps = { campaignId: string; chosen: string[]; onDone: () => void }

function Remove({ campaignId, chosen, onDone }: RemoveProps) {
  const [asking, setAsking] = useState(false)
  const remove = useCommand(
    (contact_ids: string[], key) =>
      command.POST('/v1/campaigns/{campaign_id}/contacts/remove', {
        params: { path: { campaign_id: campaignId }, header: { 'Idempotency-Key': key } },
        body: { contact_ids },
      }),
    onDone,
  )
  return (
    <Group gap="sm">
      <Text size="sm">{plural(chosen.length, 'contact')} chosen</Text>
      <Button variant="default" size="compact-sm" onClick={() => setAsking(true)}>
        Remove…
      </Button>
      <Button variant="subtle" size="compact-sm" onClick={onDone}>
        Choose none
      </Button>
      <Modal opened={asking} onClose={() => setAsking(false)} title={`Remove ${plural(chosen.length, 'contact')}?`}>
        <Stack gap="md">
          <Text>They leave the campaign with their data and timeline. Calls made stay in the call history.</Text>
          {remove.problem ? <Trouble error={remove.problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
              Keep them
            </Button>
            <CommandButton command={remove} input={chosen} color="red.9">
              Remove
            </CommandButton>
          </Group>
        </Stack>
      </Modal>
    </Group>
  )
}

type NothingProps = { isFiltered: boolean; mayChange: boolean; onAdd: () => void; campaignId: string }

function Nothing({ isFiltered, mayChange, onAdd, campaignId }: NothingProps) {
  return (
    <Stack className="surface" p="xl" gap="sm" align="center" ta="center">
      <Text fw={600}>{isFiltered ? 'No contact matches' : 'No contacts yet'}</Text>
      {isFiltered ? (
        <Text c="dimmed">A search looks at the beginning of a number, of a first, last or whole name.</Text>
      ) : mayChange ? (
        <Group justify="center" gap="xs">
          <Button renderRoot={(props) => <ToImport campaignId={campaignId} {...props} />}>Import a file</Button>
          <Button variant="default" onClick={onAdd}>
            Add one by hand
          </Button>
        </Group>
      ) : null}
    </Stack>
  )
}

function ToImport({ campaignId, ...props }: { campaignId: string }) {
  return <Link to="/campaigns/$campaignId/import" params={{ campaignId }} {...props} />
}
