// The frame of every page: where one is, who one is, and whether what one sees is up to date.
import {
  ActionIcon,
  Alert,
  Box,
  Burger,
  Button,
  Drawer,
  Group,
  Modal,
  Popover,
  Stack,
  Text,
  Tooltip,
  UnstyledButton,
  VisuallyHidden,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { onSignedOut } from './api'
import { startLive, useLiveState } from './live'
import { recheckSession, signOut, useSession, useSessionAnswer, type Session } from './session'
import { SignIn, SignInPage } from './sign-in'
import { Loading, Trouble } from './trouble'
import { VIEWER_ZONE } from './words'

const PAGES = [
  { to: '/campaigns', label: 'Campaigns' },
  { to: '/do-not-call', label: 'Do not call' },
  { to: '/health', label: 'Health' },
] as const

let seen: Session | null = null // a session that ends later does not take the page away

export function Shell() {
  const answer = useSessionAnswer()
  const queryClient = useQueryClient()
  const session = answer.data?.session ?? null
  useEffect(() => onSignedOut(() => void recheckSession(queryClient)), [queryClient])
  const live = session ? `${session.workspace} ${session.subject} ${session.role}` : null
  useEffect(() => (live ? startLive(queryClient, live) : undefined), [queryClient, live])
  if (session) seen = session
  if (answer.data === undefined)
    return (
      <Box maw={640} mx="auto" mt="xl" p="md" component="main">
        {answer.error ? <Trouble error={answer.error} retry={answer.refetch} /> : <Loading rows={3} />}
      </Box>
    )
  if (!session && !seen) return <SignInPage local={answer.data.local} />
  return (
    <>
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <Header />
      <Lost />
      <Box component="main" id="main" maw={1360} mx="auto" px={{ base: 'md', sm: 'xl' }} py="lg" tabIndex={-1}>
        <Outlet />
      </Box>
      <Modal opened={!session} onClose={() => undefined} withCloseButton={false} title="Sign in again">
        <SignIn local={answer.data.local} again />
      </Modal>
    </>
  )
}

function Header() {
  const [opened, { toggle, close }] = useDisclosure()
  const path = useRouterState({ select: (state) => state.location.pathname })
  useEffect(close, [path, close])
  const links = PAGES.map((page) => (
    <Link key={page.to} to={page.to} className="nav">
      {page.label}
    </Link>
  ))
  return (
    <Box
      component="header"
      pos="sticky"
      top={0}
      bg="var(--surface)"
      style={{ borderBottom: '1px solid var(--line)', zIndex: 100 }}
    >
      <Group h={52} maw={1360} mx="auto" px={{ base: 'md', sm: 'xl' }} justify="space-between" wrap="nowrap">
        <Group gap="lg" wrap="nowrap">
          <Burger opened={opened} onClick={toggle} size="sm" hiddenFrom="sm" aria-label="Menu" />
          <Link to="/campaigns" className="link" aria-label="Calling campaigns: all campaigns">
            <Group gap={8} wrap="nowrap">
              <img src="/icon.svg" width={22} height={22} alt="" />
              <Text fw={650} size="md" visibleFrom="xs">
                Calling campaigns
              </Text>
            </Group>
          </Link>
          <Group component="nav" gap={4} visibleFrom="sm" wrap="nowrap" aria-label="Pages">
            {links}
          </Group>
        </Group>
        <Group gap="sm" wrap="nowrap">
          <LiveSign />
          <SchemeSwitch />
          <Account />
        </Group>
      </Group>
      <Drawer opened={opened} onClose={close} size="xs" title="Pages" hiddenFrom="sm">
        <Stack component="nav" gap={4} aria-label="Pages">
          {links}
        </Stack>
      </Drawer>
    </Box>
  )
}

const LIVE = {
  live: { word: 'Live', color: 'var(--mantine-color-teal-6)', says: 'Figures change here as calls happen' },
  connecting: { word: 'Connecting', color: 'var(--mantine-color-gray-5)', says: 'Getting live figures…' },
  lost: { word: 'Reconnecting', color: 'var(--mantine-color-yellow-6)', says: 'The figures may be old' },
} as const

function LiveSign() {
  const { word, color, says } = LIVE[useLiveState()]
  return (
    <Tooltip label={says}>
      <Group gap={6} wrap="nowrap" role="status" aria-label={`Figures: ${word}`}>
        <Box w={8} h={8} bg={color} style={{ borderRadius: 8 }} />
        <Text size="sm" c="dimmed" visibleFrom="sm">
          {word}
        </Text>
      </Group>
    </Tooltip>
  )
}

function Lost() {
  if (useLiveState() !== 'lost') return null
  return (
    <Alert color="yellow" radius={0} py={8} role="alert">
      <Text ta="center">The connection is lost: the figures may be old. It comes back by itself.</Text>
    </Alert>
  )
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  const label = isDark ? 'Use the light look' : 'Use the dark look'
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
      >
        <svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
          {isDark ? (
            <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z" />
          ) : (
            <path d="M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z" />
          )}
        </svg>
      </ActionIcon>
    </Tooltip>
  )
}

function Account() {
  const session = useSession()
  const [opened, { toggle, close }] = useDisclosure()
  return (
    <Popover opened={opened} onChange={(open) => !open && close()} position="bottom-end" width={280} trapFocus shadow="md">
      <Popover.Target>
        <UnstyledButton onClick={toggle} style={{ whiteSpace: 'nowrap' }}>
          <VisuallyHidden>Account: </VisuallyHidden>
          <Stack gap={0} ta="right">
            <Text size="sm" fw={550} lh={1.25}>
              {session.subject}
            </Text>
            <Text size="xs" c="dimmed" lh={1.25}>
              {session.role} · {session.workspace.slice(0, 8)}
            </Text>
          </Stack>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <Fact name="Workspace" value={session.workspace} />
          <Fact name="Role" value={session.role} />
          <Fact name="Times are in" value={VIEWER_ZONE} />
          <Fact name="Signed in until" value={new Date(session.expires_at * 1000).toLocaleString('en-GB')} />
          <Button variant="default" onClick={() => void signOut()}>
            Sign out
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {value}
      </Text>
    </div>
  )
}
