// One campaign: its name, status, progress and actions above the tabs, each tab a page of its own.
import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { Link, Outlet, useParams, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { figuresQuery, type Figures } from './api'
import { CampaignActions } from './campaign-actions'
import { Progress } from './campaign-list'
import { Answer } from './trouble'
import { CAMPAIGN_TYPES, CampaignStatusBadge, Time } from './words'

const TABS = [
  { to: '/campaigns/$campaignId', label: 'Overview' },
  { to: '/campaigns/$campaignId/analytics', label: 'Analytics' },
  { to: '/campaigns/$campaignId/contacts', label: 'Contacts' },
  { to: '/campaigns/$campaignId/import', label: 'Import' },
  { to: '/campaigns/$campaignId/calls', label: 'Calls' },
  { to: '/campaigns/$campaignId/settings', label: 'Settings' },
  { to: '/campaigns/$campaignId/log', label: 'Log' },
] as const

/** The campaign of the page, live; shared by its tabs, for it is one query. */
export function useCampaign(campaignId: string) {
  return figuresQuery.useQuery('get', '/v1/campaigns/{campaign_id}', { params: { path: { campaign_id: campaignId } } })
}

/** Contacts and details can be changed in these. */
export const isEditable = (campaign: Pick<Figures['Campaign'], 'status'>): boolean =>
  campaign.status === 'draft' || campaign.status === 'paused'

export function CampaignPage() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId' })
  return (
    <Answer of={useCampaign(campaignId)}>
      {(campaign) => (
        <Stack gap="md">
          <Header campaign={campaign} />
          <Tabs campaignId={campaignId} />
          <Outlet />
        </Stack>
      )}
    </Answer>
  )
}

function Tabs({ campaignId }: { campaignId: string }) {
  const nav = useRef<HTMLElement>(null)
  const path = useRouterState({ select: (state) => state.location.pathname })
  useEffect(() => {
    // On a phone the tabs scroll sideways: bring the chosen one into sight.
    nav.current?.querySelector('[data-status=active]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [path])
  return (
    <nav className="tabs" aria-label="The campaign’s pages" ref={nav}>
      {TABS.map(({ to, label }) => (
        <Link key={to} to={to} params={{ campaignId }} activeOptions={{ exact: to === TABS[0].to, includeSearch: false }}>
          {label}
        </Link>
      ))}
    </nav>
  )
}

function Header({ campaign }: { campaign: Figures['Campaign'] }) {
  return (
    <Stack gap="sm">
      <Stack gap={4}>
        <Link to="/campaigns" className="link">
          <Text span size="sm" c="dimmed">
            ← Campaigns
          </Text>
        </Link>
        <Group gap="md">
          <Title order={1} dir="auto" style={{ overflowWrap: 'anywhere' }}>
            {campaign.name}
          </Title>
          <CampaignStatusBadge campaign={campaign} />
        </Group>
        {campaign.description ? (
          <Text c="dimmed" dir="auto" maw={800} style={{ overflowWrap: 'anywhere' }}>
            {campaign.description}
          </Text>
        ) : null}
        <Text size="sm" c="dimmed">
          {CAMPAIGN_TYPES[campaign.type]} · <When campaign={campaign} />
        </Text>
      </Stack>
      <Group justify="space-between" align="flex-start" gap="md">
        <Box w={{ base: '100%', sm: 420 }}>
          <Progress campaign={campaign} />
        </Box>
        <CampaignActions campaign={campaign} />
      </Group>
    </Stack>
  )
}

function When({ campaign }: { campaign: Figures['Campaign'] }) {
  if (campaign.ended_at)
    return (
      <>
        {campaign.status === 'cancelled' ? 'cancelled' : 'completed'} <Time at={campaign.ended_at} />
      </>
    )
  if (campaign.started_at)
    return (
      <>
        started <Time at={campaign.started_at} />
      </>
    )
  return (
    <>
      created <Time at={campaign.created_at} />
    </>
  )
}
