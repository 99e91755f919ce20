// Paging by cursor. The cursors of the pages before stand in the history's state: a reload keeps them, a sent link
// starts without.
import { Button, Group, Text } from '@mantine/core'
import { useNavigate, useRouterState } from '@tanstack/react-router'

type Props = {
  /** the search parameter with the cursor */
  by: 'cursor' | 'after'
  now: string | undefined
  next: string | null
  /** what is shown, and of how many */
  says: string
}

export function Paging({ by, now, next, says }: Props) {
  const navigate = useNavigate()
  const trail = useRouterState({ select: (state) => state.location.state.trail }) ?? []
  if (!now && !next)
    return (
      <Text size="sm" c="dimmed">
        {says}
      </Text>
    )
  const go = (to: string | undefined, way: string[]): void => {
    void navigate({ to: '.', search: (kept: object) => ({ ...kept, [by]: to }), state: { trail: way } })
  }
  return (
    <Group justify="space-between" component="nav" aria-label="Pages of the list">
      <Text size="sm" c="dimmed">
        {says}
      </Text>
      <Group gap="xs">
        <Button
          variant="default"
          size="compact-sm"
          disabled={!now}
          onClick={() => go(trail.at(-1) || undefined, trail.slice(0, -1))}
        >
          {now && trail.length === 0 ? 'First page' : 'Previous'}
        </Button>
        <Button
          variant="default"
          size="compact-sm"
          disabled={!next}
          onClick={() => go(next ?? undefined, [...trail, now ?? ''])}
        >
          Next
        </Button>
      </Group>
    </Group>
  )
}
