// Every page's address. A page is loaded when it is first opened; its queries may be prefetched by its `loader`.
import { Button, Stack, Text, Title } from '@mantine/core'
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  redirect,
  type ErrorComponentProps,
} from '@tanstack/react-router'
import { CampaignList, readListSearch } from './campaign-list'
import { readCallsSearch, readContactsSearch, readImportSearch, readLogSearch, readSuppressionsSearch, readTimelineSearch } from './searches'
import { Shell } from './shell'
import { Loading } from './trouble'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })
const page = <Path extends string>(path: Path) => ({ getParentRoute: () => root, path }) as const

const start = createRoute({
  ...page('/'),
  beforeLoad: () => {
    throw redirect({ to: '/campaigns' })
  },
})
const campaigns = createRoute({ ...page('/campaigns'), component: CampaignList, validateSearch: readListSearch })
const newCampaign = createRoute({
  ...page('/campaigns/new'),
  component: lazyRouteComponent(() => import('./new-campaign'), 'NewCampaign'),
})
const suppressions = createRoute({
  ...page('/do-not-call'),
  component: lazyRouteComponent(() => import('./suppressions'), 'Suppressions'),
  validateSearch: readSuppressionsSearch,
})
const health = createRoute({ ...page('/health'), component: lazyRouteComponent(() => import('./health'), 'Health') })

const campaign = createRoute({
  ...page('/campaigns/$campaignId'),
  component: lazyRouteComponent(() => import('./campaign-page'), 'CampaignPage'),
})
const tab = <Path extends string>(path: Path) => ({ getParentRoute: () => campaign, path }) as const
const tabs = [
  createRoute({ ...tab('/'), component: lazyRouteComponent(() => import('./overview'), 'Overview') }),
  createRoute({ ...tab('/analytics'), component: lazyRouteComponent(() => import('./analytics'), 'Analytics') }),
  createRoute({
    ...tab('/contacts'),
    component: lazyRouteComponent(() => import('./contacts'), 'Contacts'),
    validateSearch: readContactsSearch,
  }),
  createRoute({
    ...tab('/contacts/$contactId'),
    component: lazyRouteComponent(() => import('./timeline'), 'Timeline'),
    validateSearch: readTimelineSearch,
  }),
  createRoute({
    ...tab('/import'),
    component: lazyRouteComponent(() => import('./import-contacts'), 'ImportContacts'),
    validateSearch: readImportSearch,
  }),
  createRoute({
    ...tab('/calls'),
    component: lazyRouteComponent(() => import('./calls'), 'Calls'),
    validateSearch: readCallsSearch,
  }),
  createRoute({
    ...tab('/settings'),
    component: lazyRouteComponent(() => import('./campaign-settings'), 'CampaignSettings'),
  }),
  createRoute({
    ...tab('/log'),
    component: lazyRouteComponent(() => import('./log'), 'Log'),
    validateSearch: readLogSearch,
  }),
] as const

const plain = (search: object): string => {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text && `?${text.replaceAll('%2C', ',')}`
}

export const router = createRouter({
  routeTree: root.addChildren([start, campaigns, newCampaign, suppressions, health, campaign.addChildren(tabs)]),
  // Values are plain text (`status=running,paused`): an address people can read, write and send.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: plain,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingComponent: Loading,
  defaultErrorComponent: Broken,
})

function NotFound() {
  return (
    <Stack align="center" py="xl">
      <Title order={1}>There is no such page</Title>
      <Button component={Link} to="/campaigns" variant="default">
        To the campaigns
      </Button>
    </Stack>
  )
}

function Broken({ error, reset }: ErrorComponentProps) {
  // A chunk that is gone: the server has a newer page than this tab.
  const message = error instanceof Error ? error.message : String(error)
  const isOld = /dynamically imported module|module script/i.test(message)
  return (
    <Stack align="center" py="xl" role="alert">
      <Title order={1}>{isOld ? 'This page has been updated' : 'This page has failed'}</Title>
      <Text c="dimmed">{isOld ? 'Reload to go on with the newer one.' : message}</Text>
      <Button variant="default" onClick={isOld ? () => location.reload() : reset}>
        {isOld ? 'Reload' : 'Try again'}
      </Button>
    </Stack>
  )
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
