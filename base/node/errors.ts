/** The closed table of what the real edges fail with (network addresses, directories, keys). */
import { KeelsonError, type KeelsonErrorOptions } from '../error';

/** What each code means for a caller that could try again. */
export const NODE_ERRORS = {
  /** Another socket listens there. */
  NETWORK_ADDRESS_IN_USE: { retriable: true },
  /** This machine has no such address, or the process may not listen there. */
  NETWORK_ADDRESS_UNUSABLE: { retriable: false },
  /** A certificate or key file is missing, unreadable or not what it should be. */
  CERTIFICATE_INVALID: { retriable: false },
  /** A table of the built-in types is not there: the package was not built. */
  API_FILE_MISSING: { retriable: false },
} as const satisfies Record<string, { readonly retriable: boolean }>;

/** A code of the table. */
export type NodeErrorCode = keyof typeof NODE_ERRORS;

/** Makes a failure; whether it is retriable comes from the table. */
export function nodeError(
  code: NodeErrorCode,
  message: string,
  options: Pick<KeelsonErrorOptions, 'cause' | 'details'> = {},
): KeelsonError<NodeErrorCode> {
  return new KeelsonError(code, message, { ...NODE_ERRORS[code], ...options });
}

/** The system's code of a failed call (`ENOENT`, …), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
