/**
 * The floors of docs/ARCHITECTURE.md as a table: who may import whom, which file is the one door
 * to which outside thing.
 */

/** The first pattern that a path begins with decides its floor. */
const FLOORS: readonly (readonly [prefix: string, floor: number])[] = [
  ['base/node/', 2],
  ['base/', 0],
  ['raft/core/', 1],
  ['raft/testing/', 1],
  ['raft/errors.ts', 1],
  ['raft/limits.ts', 1],
  ['raft/', 2],
  ['store/engine/', 2],
  ['store/wire/', 2],
  ['store/state/', 3],
  ['store/replica/', 4],
  ['store/', 1],
  ['apiserver/machinery/', 1],
  ['apiserver/schema/', 1],
  ['apiserver/limits.ts', 1],
  ['apiserver/storage/', 4],
  ['apiserver/cacher/', 5],
  ['apiserver/registry/', 6],
  ['apiserver/admission/', 6],
  ['apiserver/auth/', 6],
  ['apiserver/http/', 7],
  ['apiserver/', 8],
  ['bin/', 9],
  ['testing/', 9],
  ['cluster-test/', 9],
  ['bench/', 9],
  ['tools/', 9],
];

/** The floor of a file; a new top-level folder must be entered in the table first. */
export function floorOf(path: string): number {
  const row = FLOORS.find(([prefix]) => path.startsWith(prefix));
  if (row === undefined) throw new Error(`No floor is known for ${path}: enter it in floors.ts`);
  return row[1];
}

/** `raft`, `store`, `apiserver`, `base`, … */
export function layerOf(path: string): string {
  return path.split('/')[0] ?? '';
}

/** Why `from` may not import `to`, or undefined if it may. */
export function importRefusal(from: string, to: string): string | undefined {
  const [fromFloor, toFloor] = [floorOf(from), floorOf(to)];
  const [fromLayer, toLayer] = [layerOf(from), layerOf(to)];
  if (toFloor > fromFloor) {
    return `goes up from floor ${String(fromFloor)} to ${String(toFloor)}`;
  }
  if (fromFloor === 9) return undefined;
  if (to.startsWith('base/node/') && !from.startsWith('base/node/')) {
    return 'base/node holds the real edges: only floor 9 wires them in';
  }
  if (toLayer === 'base' || fromLayer === toLayer) return undefined;
  if (fromLayer === 'store' && toLayer === 'raft') {
    return from.startsWith('store/replica/') ? undefined : 'only store/replica knows raft';
  }
  if (fromLayer === 'apiserver' && toLayer === 'store') {
    return to === 'store/index.ts' ? undefined : 'apiserver sees store/index.ts alone';
  }
  return `crosses from ${fromLayer} to ${toLayer}`;
}

/** Folders that another folder may enter by file: their files are modules of their own. */
export const OPEN_FOLDERS: readonly string[] = ['base', 'apiserver/machinery'];

/** Files that are left out of their folder's index on purpose, so that not all pay for them. */
export const SIDE_DOORS: readonly string[] = ['store/engine/level-engine.ts'];

/** The one importer of each outside thing. */
export const DOORS: readonly (readonly [pattern: RegExp, allowed: RegExp])[] = [
  [/^ws$/, /^base\/node\/ws-network\.ts$/],
  [/^level$|^classic-level$/, /^store\/engine\/level-engine\.ts$/],
  [/^protobufjs/, /(^base\/protobuf\.ts$)|(\/codec\.ts$)/],
  [/^@peculiar\//, /^base\/node\/certificates\.ts$/],
  [/^commander$/, /^bin\//],
  [/^yaml$/, /^apiserver\/machinery\/yaml\.ts$/],
  [/^node:(fs|worker_threads)/, /^base\/node\//],
  // ws-network.ts needs the types of the server that carries its upgrades.
  [/^node:https?2?$/, /^(base\/node\/(http-listener|ws-network)|apiserver\/http\/server)\.ts$/],
  [/^node:(crypto|tls)$/, /^(base\/node|apiserver\/auth)\/|^apiserver\/http\/server\.ts$/],
];
