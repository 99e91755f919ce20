// Who is signed in. The token itself is in a cookie that no script can read.
import { useQuery, type QueryClient } from '@tanstack/react-query'
import { problemOf, unreachable } from './api'

export type Role = 'viewer' | 'operator' | 'admin'
export type Session = { workspace: string; role: Role; subject: string; expires_at: number }
export type SessionAnswer = { session: Session | null; local: boolean }

const KEY = ['session']
const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }

async function ask(method: string, path: string, body?: unknown): Promise<SessionAnswer | null> {
  const answer = await fetch(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch(() => {
    throw unreachable()
  })
  if (!answer.ok) throw await problemOf(answer)
  return answer.status === 204 ? null : ((await answer.json()) as SessionAnswer)
}

export function useSessionAnswer() {
  return useQuery({
    queryKey: KEY,
    queryFn: () => ask('GET', '/session') as Promise<SessionAnswer>,
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.error ? 3_000 : 60_000), // a session ends by itself
  })
}

export const recheckSession = (queryClient: QueryClient): Promise<void> => queryClient.invalidateQueries({ queryKey: KEY })

/** The session; only below what is shown when signed in. */
export function useSession(): Session {
  const session = useSessionAnswer().data?.session
  return session ?? { workspace: '', role: 'viewer', subject: '', expires_at: 0 } // it has just ended
}

/** Whether the session's role suffices: hide what it may not do. */
export const useMay = (role: Role): boolean => RANK[useSession().role] >= RANK[role]

const tabs = new BroadcastChannel('session')

export async function signIn(queryClient: QueryClient, token: string | null): Promise<void> {
  const before = queryClient.getQueryData<SessionAnswer>(KEY)?.session
  const answer = token === null ? await ask('POST', '/session/local') : await ask('POST', '/session', { token })
  if (before && before.workspace !== answer?.session?.workspace) queryClient.clear()
  queryClient.setQueryData(KEY, answer)
  tabs.postMessage('changed')
  void queryClient.invalidateQueries()
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/session')
  tabs.postMessage('ended')
  location.assign('/')
}

/** Other tabs of this browser share the cookie: what happens to the session in one, happens in all. */
export function followOtherTabs(queryClient: QueryClient): void {
  tabs.onmessage = (event: MessageEvent<string>) => {
    if (event.data === 'ended') location.assign('/')
    else void recheckSession(queryClient).then(() => queryClient.invalidateQueries())
  }
}
