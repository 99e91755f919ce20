// A calm word in place: what is so, with a dot in its colour. What went wrong is `Trouble`'s.
import { Box, Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

type Tone = 'good' | 'waits' | 'stopped' | 'over'
const COLORS: Record<Tone, string> = {
  good: 'var(--mantine-color-teal-6)',
  waits: 'var(--mantine-color-brand-5)',
  stopped: 'var(--mantine-color-yellow-6)',
  over: 'var(--mantine-color-gray-5)',
}

type Props = { tone: Tone; title: string; name?: string; children?: ReactNode }

/** `name` makes it a live region of that name: read aloud when it changes. */
export function Note({ tone, title, name, children }: Props) {
  return (
    <Group
      className="surface"
      p="md"
      gap="sm"
      align="flex-start"
      wrap="nowrap"
      {...(name ? { role: 'status', 'aria-label': name } : {})}
    >
      <Box w={10} h={10} mt={6} bg={COLORS[tone]} style={{ borderRadius: 10, flexShrink: 0 }} />
      <Stack gap={2} miw={0}>
        <Text fw={600}>{title}</Text>
        {children ? <Box>{children}</Box> : null}
      </Stack>
    </Group>
  )
}
