/** Who makes a request, after authentication (K67). */
export interface UserInfo {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Groups and names that the machinery itself knows. */
export const WELL_KNOWN = {
  anonymousUser: 'system:anonymous',
  unauthenticatedGroup: 'system:unauthenticated',
  authenticatedGroup: 'system:authenticated',
  mastersGroup: 'system:masters',
  serviceAccountsGroup: 'system:serviceaccounts',
} as const;
