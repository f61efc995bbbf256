/**
 * The disk as an injected thing: real files (`node/real-disk.ts`), or a model that loses and tears
 * what was not synced. Paths use `/` and are relative to the directory the disk was made for.
 */

/** A file opened for reading and writing. */
export interface DiskFile {
  /** Up to `length` bytes at `offset`, fewer only at the end of the file; the caller owns them. */
  readAt(offset: number, length: number): Promise<Uint8Array>;
  /** Writes at `offset`, growing the file if needed. Durable only after {@link sync}. */
  writeAt(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Writes and then syncs the data, as one request. `bytes` must not be changed until it ends.
   * A failure means that nothing is known about the file's pages: never retry (R61).
   */
  writeAndSync(offset: number, bytes: Uint8Array): Promise<void>;
  /** Makes all written data durable (fdatasync: contents and length). A failure is final (R61). */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** An exclusive hold on a directory; ends with the process at the latest. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/** A directory tree on some disk. Missing things give `undefined` where the type says so. */
export interface Disk {
  /** Opens a file. `create` makes it if it is missing; without it a missing file is an error. */
  open(path: string, options: { readonly create: boolean }): Promise<DiskFile>;
  /** The whole file, or undefined if it does not exist. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Replaces a file atomically and durably: write aside, sync, rename, sync directory. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Names in a directory in byte order; empty if there is no such directory. */
  list(path: string): Promise<readonly string[]>;
  /** Makes a directory and its missing parents, durably. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all it holds. Nothing there is not an error. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a directory durable (R62). */
  syncDirectory(path: string): Promise<void>;
  /** Takes the exclusive lock of a directory, or says who holds it (`undefined` if unknown). */
  lock(path: string): Promise<DirectoryLock | { readonly heldBy: string | undefined }>;
}
