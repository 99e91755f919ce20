// Live figures. One tab of the browser (the holder of a Web Lock) has the event stream and tells the others: a stream a
// tab would use up the six connections a browser opens to one server, and the seventh tab would hang.
import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { Figures } from './api'

type Row = Figures['Campaign']
/** What the stream tells of a campaign: part of its row, as of a position of the log. */
type Patch =
  | Pick<Row, 'id' | 'position' | 'name' | 'status' | 'paused_reason' | 'started_at' | 'ended_at' | 'contacts' | 'figures'>
  | { id: string; position: number; deleted: true }
type Message =
  | { kind: 'campaigns'; patches: Patch[] }
  | { kind: 'refetch' }
  | { kind: 'state'; state: LiveState }
  | { kind: 'which state?' }
export type LiveState = 'connecting' | 'live' | 'lost'

const STREAM = '/api/analytics-projector/v1/events'
const FLUSH_MS = 250
const REREAD_MS = 1_000
const SILENCE_MS = 40_000 // the server's heartbeat comes every 15 s
const RETRY_MS = [500, 10_000] as const

const LIST_KEY = ['get', '/v1/campaigns']
const DETAIL_KEY = ['get', '/v1/campaigns/{campaign_id}']
const ANALYTICS_KEY = ['get', '/v1/campaigns/{campaign_id}/analytics']

let state: LiveState = 'connecting'
const watchers = new Set<() => void>()

function become(next: LiveState): void {
  if (next === state) return
  state = next
  watchers.forEach((tell) => tell())
}

/** Whether what the page shows is kept up to date. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell)
      return () => watchers.delete(tell)
    },
    () => state,
  )
}

// --- patching what is shown ------------------------------------------------------------------------------------------

const newest = new Map<string, Patch>()
let waiting: Patch[] = []
let touched = new Set<string>()
let listChanged = false
let flushing: ReturnType<typeof setTimeout> | undefined
let rereading: ReturnType<typeof setTimeout> | undefined

/** An answer may be older than what the stream has told meanwhile: put that on top again. */
export function reapply(queryClient: QueryClient, queryKey: readonly unknown[]): void {
  if (queryKey[0] === 'get' && String(queryKey[1]).startsWith(LIST_KEY[1]!)) apply(queryClient, [...newest.values()])
}

function apply(queryClient: QueryClient, patches: Patch[]): void {
  if (patches.length === 0) return
  const byId = new Map(patches.map((patch) => [patch.id, patch]))
  const newer = <Shown extends Row>(row: Shown): Shown => {
    const patch = byId.get(row.id)
    return patch && !('deleted' in patch) && patch.position > row.position ? { ...row, ...patch } : row
  }
  queryClient.setQueriesData<Figures['CampaignPage']>({ queryKey: LIST_KEY }, (page) => {
    if (!page) return page
    const items = page.items.map(newer)
    return items.some((item, index) => item !== page.items[index]) ? { ...page, items } : page
  })
  queryClient.setQueriesData<Figures['CampaignDetail']>({ queryKey: DETAIL_KEY }, (row) => row && newer(row))
}

function receive(queryClient: QueryClient, patches: Patch[]): void {
  waiting.push(...patches)
  flushing ??= setTimeout(() => {
    flushing = undefined
    const received = waiting
    waiting = []
    for (const patch of received) {
      const known = newest.get(patch.id)
      // One that is new, gone or in another status may change which rows a list has: ask for it again.
      listChanged ||= 'deleted' in patch || !known || 'deleted' in known || known.status !== patch.status
      touched.add(patch.id)
      if (patch.position >= (known?.position ?? 0)) newest.set(patch.id, patch)
    }
    apply(queryClient, received)
    rereading ??= setTimeout(() => reread(queryClient), REREAD_MS)
  }, FLUSH_MS)
}

/** What patches don't carry: which rows a list has, and the figures of days. */
function reread(queryClient: QueryClient): void {
  const [ids, relist] = [touched, listChanged]
  rereading = undefined
  touched = new Set()
  listChanged = false
  void queryClient.invalidateQueries({ queryKey: ANALYTICS_KEY, predicate: (query) => isAbout(query.queryKey, ids) })
  if (relist) void queryClient.invalidateQueries({ queryKey: LIST_KEY })
}

function isAbout(queryKey: readonly unknown[], ids: Set<string>): boolean {
  const init = queryKey[2] as { params?: { path?: { campaign_id?: string } } } | undefined
  return ids.has(init?.params?.path?.campaign_id ?? '')
}

// --- the stream, and the tabs ----------------------------------------------------------------------------------------

/** Keeps this tab's figures up to date until the returned function is called. `session` tells sessions apart. */
export function startLive(queryClient: QueryClient, session: string): () => void {
  const stop = new AbortController()
  const channel = new BroadcastChannel(`live ${session}`)
  let leads = false
  const hear = (message: Message): void => {
    if (message.kind === 'campaigns') receive(queryClient, message.patches)
    else if (message.kind === 'refetch') void queryClient.invalidateQueries()
    else if (message.kind === 'state') become(message.state)
    else if (leads) channel.postMessage({ kind: 'state', state } satisfies Message)
  }
  const tell = (message: Message): void => {
    if (stop.signal.aborted) return
    channel.postMessage(message)
    hear(message)
  }
  channel.onmessage = (event: MessageEvent<Message>) => hear(event.data)
  channel.postMessage({ kind: 'which state?' } satisfies Message)
  navigator.locks
    .request(`live ${session}`, { signal: stop.signal }, async () => {
      leads = true
      await lead(tell, stop.signal)
    })
    .catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    })
  return () => {
    stop.abort()
    channel.close()
    newest.clear()
    waiting = []
    become('connecting')
  }
}

async function lead(tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await listen(tell, signal, () => {
        failures = 0
      })
    } catch {
      // Refused, cut or silent: all the same here, and shown to the user as lost.
    }
    if (signal.aborted) return
    failures += 1
    if (failures > 1) tell({ kind: 'state', state: 'lost' }) // the server ends streams now and then: no news
    const pause = Math.min(RETRY_MS[1], RETRY_MS[0] * 2 ** (failures - 1)) * (0.5 + Math.random())
    await rested(pause, signal)
  }
}

async function listen(tell: (message: Message) => void, signal: AbortSignal, opened: () => void): Promise<void> {
  const cut = new AbortController()
  const onStop = (): void => cut.abort()
  signal.addEventListener('abort', onStop)
  let silence = setTimeout(onStop, SILENCE_MS)
  try {
    const answer = await fetch(STREAM, { headers: { accept: 'text/event-stream' }, signal: cut.signal })
    if (!answer.ok || !answer.body) throw new Error(`the stream answered ${answer.status}`)
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    opened()
    tell({ kind: 'state', state: 'live' })
    tell({ kind: 'refetch' }) // what happened while nobody listened
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(silence)
      silence = setTimeout(onStop, SILENCE_MS)
      const parts = (text + value).split('\n\n')
      text = parts.pop() ?? ''
      parts.forEach((part) => interpret(part, tell))
    }
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', onStop)
    cut.abort()
  }
}

function interpret(part: string, tell: (message: Message) => void): void {
  const fields = new Map(
    part.split('\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
    }),
  )
  if (fields.get('event') === 'campaigns')
    tell({ kind: 'campaigns', patches: JSON.parse(fields.get('data') ?? '[]') as Patch[] })
  else if (fields.get('event') === 'refetch') tell({ kind: 'refetch' })
}

/** Waits, but no longer than until the network or the user is back. */
function rested(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      window.removeEventListener('online', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    window.addEventListener('online', end)
    signal.addEventListener('abort', end)
  })
}
