// All campaigns of the workspace: found by status, type and words, sorted and paged by the server, live.
// What is asked for stands in the URL, so a view can be kept and sent.
import {
  Box,
  Button,
  Chip,
  Group,
  NativeSelect,
  SegmentedControl,
  Stack,
  Table,
  Text,
  Title,
  UnstyledButton,
  VisuallyHidden,
} from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { keepPreviousData } from '@tanstack/react-query'
import { Link, useNavigate, useRouterState, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { figuresQuery, type Figures } from './api'
import { Paging } from './paging'
import { SearchField } from './search-field'
import { useMay } from './session'
import { Answer } from './trouble'
import {
  CAMPAIGN_STATUSES,
  CAMPAIGN_TYPES,
  CampaignStatusBadge,
  count,
  percent,
  plural,
  Time,
  VIEWER_ZONE,
  type CampaignType,
} from './words'

type Campaign = Figures['Campaign']
const SORTS = { created_at: 'Created', name: 'Name', status: 'Status' } as const
type Sort = keyof typeof SORTS
type Order = 'asc' | 'desc'
const FIRST_ORDER: Record<Sort, Order> = { created_at: 'desc', name: 'asc', status: 'asc' }
const PAGE = 50

/** What stands in the URL; what is absent is the default. */
export type ListSearch = {
  status?: string
  type?: CampaignType
  q?: string
  sort?: Sort
  order?: Order
  cursor?: string
}

/** Keeps what means something, and drops the rest. */
export function readListSearch(raw: Record<string, unknown>): ListSearch {
  const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
  const statuses = (text(raw.status) ?? '').split(',').filter((name) => name in CAMPAIGN_STATUSES)
  const type = text(raw.type)
  const sort = text(raw.sort)
  const order = text(raw.order)
  return {
    status: statuses.length > 0 ? statuses.join(',') : undefined,
    type: type && type in CAMPAIGN_TYPES ? (type as CampaignType) : undefined,
    q: text(raw.q)?.slice(0, 200),
    sort: sort && sort in SORTS ? (sort as Sort) : undefined,
    order: order === 'asc' || order === 'desc' ? order : undefined,
    cursor: text(raw.cursor),
  }
}

export function CampaignList() {
  const search = useSearch({ from: '/campaigns' })
  const mayAct = useMay('operator')
  const sort = search.sort ?? 'created_at'
  const order = search.order ?? FIRST_ORDER[sort]
  const filtered = Boolean(search.status ?? search.type ?? search.q)
  const query = figuresQuery.useQuery(
    'get',
    '/v1/campaigns',
    {
      params: {
        query: {
          status: search.status?.split(','),
          type: search.type,
          q: search.q,
          sort,
          order,
          cursor: search.cursor,
          limit: PAGE,
        },
      },
    },
    { placeholderData: keepPreviousData },
  )
  return (
    <Stack gap="md">
      <Group justify="space-between" align="center">
        <Group gap="sm" align="baseline">
          <Title order={1}>Campaigns</Title>
          <Text c="dimmed" aria-live="polite">
            {query.data ? `${plural(query.data.total, 'campaign')}${filtered ? ' found' : ''}` : ''}
          </Text>
        </Group>
        {mayAct ? (
          <Button component={Link} to="/campaigns/new">
            New campaign
          </Button>
        ) : null}
      </Group>
      <Filters search={search} />
      <Answer of={query} rows={8}>
        {(page) =>
          page.items.length === 0 ? (
            <Nothing filtered={filtered || Boolean(search.cursor)} mayAct={mayAct} />
          ) : (
            <Stack gap="sm" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
              <Campaigns items={page.items} sort={sort} order={order} />
              <Pages search={search} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </Stack>
          )
        }
      </Answer>
    </Stack>
  )
}

// --- what is asked for -----------------------------------------------------------------------------------------------

function useAsk(): (changes: ListSearch, options?: { replace?: boolean }) => void {
  const navigate = useNavigate({ from: '/campaigns' })
  return (changes, options) =>
    // Another question starts at its first page.
    void navigate({ search: (now) => ({ ...now, cursor: undefined, ...changes }), replace: options?.replace })
}

function Filters({ search }: { search: ListSearch }) {
  const ask = useAsk()
  const statuses = search.status?.split(',') ?? []
  const sort = search.sort ?? 'created_at'
  const small = useMediaQuery('(max-width: 48em)')
  return (
    <Group gap="sm" align="center">
      <SearchField
        aria-label="Search names and descriptions"
        placeholder="Search name or description"
        size="sm"
        w={{ base: '100%', sm: 260 }}
        value={search.q ?? ''}
        onChange={(q) => ask({ q: q || undefined }, { replace: true })}
      />
      <Chip.Group multiple value={statuses} onChange={(chosen) => ask({ status: chosen.join(',') || undefined })}>
        <Group gap={6} role="group" aria-label="Status">
          {Object.entries(CAMPAIGN_STATUSES).map(([status, { word }]) => (
            <Chip key={status} value={status} size="xs" variant="light">
              {word}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      <SegmentedControl
        aria-label="Type"
        size="xs"
        value={search.type ?? 'all'}
        onChange={(type) => ask({ type: type === 'all' ? undefined : (type as CampaignType) })}
        data={[
          { value: 'all', label: 'All types' },
          ...Object.entries(CAMPAIGN_TYPES).map(([value, label]) => ({ value, label })),
        ]}
      />
      {small ? (
        <NativeSelect
          aria-label="Sort by"
          size="xs"
          value={sort}
          onChange={(event) => ask({ sort: event.currentTarget.value as Sort, order: undefined })}
          data={Object.entries(SORTS).map(([value, label]) => ({ value, label: `By ${label.toLowerCase()}` }))}
        />
      ) : null}
      {statuses.length > 0 || search.type || search.q ? (
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={() => ask({ status: undefined, type: undefined, q: undefined })}
        >
          Clear
        </Button>
      ) : null}
    </Group>
  )
}

// --- what is shown ---------------------------------------------------------------------------------------------------

type Shown = { items: Campaign[]; sort: Sort; order: Order }

function Campaigns({ items, sort, order }: Shown) {
  const small = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false })
  if (small)
    return (
      <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {items.map((campaign) => (
          <Box component="li" key={campaign.id} className="surface leads" p="sm">
            <Stack gap={8}>
              <Group justify="space-between" wrap="nowrap" align="flex-start">
                <Name campaign={campaign} />
                <CampaignStatusBadge campaign={campaign} />
              </Group>
              <Progress campaign={campaign} />
              <Text size="xs" c="dimmed">
                {CAMPAIGN_TYPES[campaign.type]} · created <Time at={campaign.created_at} />
              </Text>
            </Stack>
          </Box>
        ))}
      </Stack>
    )
  return (
    <Box className="surface" style={{ overflow: 'hidden' }}>
      <Table className="table" layout="fixed" highlightOnHover={false}>
        <caption className="mantine-visually-hidden" style={{ display: 'none' }}>
          Campaigns
        </caption>
        <Table.Thead>
          <Table.Tr>
            <Heading by="name" sort={sort} order={order}>
              Name
            </Heading>
            <Table.Th w={104}>Type</Table.Th>
            <Heading by="status" sort={sort} order={order} w={132}>
              Status
            </Heading>
            <Table.Th w="30%">Progress</Table.Th>
            <Heading by="created_at" sort={sort} order={order} w={172} note={VIEWER_ZONE}>
              Created
            </Heading>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((campaign) => (
            <Table.Tr key={campaign.id} className="leads">
              <Table.Td>
                <Name campaign={campaign} />
              </Table.Td>
              <Table.Td>{CAMPAIGN_TYPES[campaign.type]}</Table.Td>
              <Table.Td>
                <CampaignStatusBadge campaign={campaign} />
              </Table.Td>
              <Table.Td>
                <Progress campaign={campaign} />
              </Table.Td>
              <Table.Td>
                <Time at={campaign.created_at} quiet />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

type HeadingProps = { by: Sort; sort: Sort; order: Order; w?: number; note?: string; children: ReactNode }

function Heading({ by, sort, order, w, note, children }: HeadingProps) {
  const ask = useAsk()
  const chosen = by === sort
  const next = chosen ? (order === 'asc' ? 'desc' : 'asc') : FIRST_ORDER[by]
  return (
    <Table.Th w={w} aria-sort={chosen ? (order === 'asc' ? 'ascending' : 'descending') : 'none'}>
      <UnstyledButton
        fz="inherit"
        fw="inherit"
        c={chosen ? 'var(--mantine-color-text)' : 'inherit'}
        onClick={() => ask({ sort: by === 'created_at' ? undefined : by, order: next === FIRST_ORDER[by] ? undefined : next })}
      >
        {children} <span aria-hidden>{chosen ? (order === 'asc' ? '↑' : '↓') : ''}</span>
      </UnstyledButton>
      {note ? (
        <Text size="xs" fw={400} c="dimmed">
          {note}
        </Text>
      ) : null}
    </Table.Th>
  )
}

function Name({ campaign }: { campaign: Campaign }) {
  return (
    <Box miw={0}>
      <Link
        to="/campaigns/$campaignId"
        params={{ campaignId: campaign.id }}
        className="link stretched"
        style={{ fontWeight: 550, overflowWrap: 'anywhere' }}
      >
        {campaign.name}
      </Link>
      {campaign.description ? (
        <Text size="sm" c="dimmed" className="clip" title={campaign.description}>
          {campaign.description}
        </Text>
      ) : null}
    </Box>
  )
}

/** Reached over worked over all: how far it is, and how much of it got to a person. */
export function Progress({ campaign }: { campaign: Campaign }) {
  const { contacts, figures, type } = campaign
  if (type === 'inbound')
    return (
      <Text size="sm" className="number" style={{ whiteSpace: 'normal' }}>
        {count(figures.received)} received · {count(figures.answered)} answered
      </Text>
    )
  if (contacts.total === 0)
    return (
      <Text size="sm" c="dimmed">
        No contacts yet
      </Text>
    )
  const worked = figures.worked ?? 0
  const reached = figures.progress ?? 0
  return (
    <Stack gap={5}>
      <div className="bar" aria-hidden>
        <span className="worked" style={{ width: `${worked * 100}%` }} />
        <span className="reached" style={{ width: `${reached * 100}%` }} />
      </div>
      <Group gap="xs" justify="space-between" className="number">
        <Text size="sm">
          {count(figures.reached)} / {count(contacts.total)} reached
          <Text span size="sm" c="dimmed">
            {' '}
            · {percent(figures.progress)}
          </Text>
        </Text>
        <Text size="sm" c="dimmed">
          {percent(figures.worked)} worked
        </Text>
      </Group>
    </Stack>
  )
}

type PagesProps = { search: ListSearch; next: string | null; shown: number; total: number }

function Pages({ search, next, shown, total }: PagesProps) {
  const trail = useRouterState({ select: (state) => state.location.state.trail }) ?? []
  if (!search.cursor && !next) return null
  const says =
    search.cursor && trail.length === 0
      ? `${count(shown)} of ${count(total)}`
      : `${count(trail.length * PAGE + 1)}–${count(trail.length * PAGE + shown)} of ${count(total)}`
  return <Paging by="cursor" now={search.cursor} next={next} says={says} />
}

function Nothing({ filtered, mayAct }: { filtered: boolean; mayAct: boolean }) {
  const ask = useAsk()
  return (
    <Box className="surface" p={{ base: 'lg', sm: 48 }}>
      <Stack gap="sm" align="center" ta="center" maw={520} mx="auto">
        <Title order={2}>{filtered ? 'No campaign matches' : 'No campaigns yet'}</Title>
        {filtered ? (
          <>
            <Text c="dimmed">Other words, statuses or types may find it.</Text>
            <Button variant="default" onClick={() => ask({ status: undefined, type: undefined, q: undefined })}>
              Show all campaigns
            </Button>
          </>
        ) : (
          <>
            <Text c="dimmed">
              A campaign calls a list of contacts with a voice agent, or answers those who ring in. First name it and say
              when it may call, then bring its contacts from a file, and start it.
            </Text>
            {mayAct ? (
              <Button component={Link} to="/campaigns/new">
                Create the first campaign
              </Button>
            ) : (
              <Text c="dimmed">Somebody with the role operator or admin can create the first one.</Text>
            )}
          </>
        )}
        <VisuallyHidden>{filtered ? '' : 'The list is empty.'}</VisuallyHidden>
      </Stack>
    </Box>
  )
}

declare module '@tanstack/react-router' {
  interface HistoryState {
    trail?: string[]
  }
}

