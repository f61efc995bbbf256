/** Authentication and authorization (floor 6). */
export { ANONYMOUS, authenticate, type AuthenticateOptions } from './authenticate';
export type { AuthenticationResult, Authenticator } from './authenticator';
export { allowAllAuthorizer, mastersAuthorizer, refusalText, unionAuthorizer } from './authorize';
export type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from './authorizer';
export { bearerToken, parseTokenFile, StaticTokenAuthenticator, type StaticToken } from './bearer';
export { BOOTSTRAP_CLUSTER_ROLE_BINDINGS, BOOTSTRAP_CLUSTER_ROLES } from './bootstrap-policy';
export { RbacAuthorizer, type RbacSource } from './rbac';
export { rbacFromStorage } from './rbac-storage';
export { WELL_KNOWN, type UserInfo } from './user';
export { X509Authenticator } from './x509';
