// What differs between two JSON documents, as a merge patch (RFC 7396).
import { WEEKDAYS } from './week'

export type Patch = { [name: string]: unknown }
export type Tree = { [name: string]: unknown }
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
export const same = (left: unknown, right: unknown): boolean => JSON.stringify(sorted(left)) === JSON.stringify(sorted(right))
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : isTree(value)
      ? Object.fromEntries(Object.entries(value).sort().map(([name, of]) => [name, sorted(of)]))
      : value

/** The merge patch (RFC 7396) that makes `after` of `before`: only what differs. */
export function difference(before: Tree, after: Tree): Tree {
  const patch: Tree = {}
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [from, to] = [before[name], after[name]]
    if (same(from, to)) continue
    patch[name] = isTree(from) && isTree(to) ? difference(from, to) : (to ?? null)
  }
  return patch
}

/** The patch put on top, where null stands for itself: all that may be null has null as its default. */
export function merged<Value>(target: Value, patch: Patch): Value {
  const result: Tree = isTree(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null && name in WEEKDAYS) delete result[name]
    else result[name] = isTree(value) ? merged(result[name], value as Patch) : value
  }
  return result as Value
}

/** The value at a dotted path. */
export const at = (tree: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (typeof value === 'object' && value !== null ? (value as Tree)[name] : undefined), tree)
