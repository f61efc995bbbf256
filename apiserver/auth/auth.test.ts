/** Authentication methods, RBAC's rule evaluation and the texts of refusals (K39, K67, K72). */
import t from 'tap';
import type { ApiRequest, VerifiedCertificate } from '../machinery/api-handler';
import type { KubernetesObject } from '../machinery/object';
import {
  authenticate,
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  BOOTSTRAP_CLUSTER_ROLES,
  mastersAuthorizer,
  parseTokenFile,
  RbacAuthorizer,
  refusalText,
  StaticTokenAuthenticator,
  unionAuthorizer,
  X509Authenticator,
  type AuthorizationAttributes,
  type RbacSource,
  type UserInfo,
} from '.';

function request(options: {
  readonly authorization?: string;
  readonly certificate?: VerifiedCertificate;
}): ApiRequest {
  return {
    method: 'GET',
    path: '/api',
    query: new URLSearchParams(),
    headers: { authorization: options.authorization },
    certificate: options.certificate,
    remoteAddress: '127.0.0.1:1',
    readBody: () => Promise.resolve(new Uint8Array()),
    signal: new AbortController().signal,
  };
}

const tokens = parseTokenFile(
  'secret-a,alice,u1,"dev,ops"\n# note\nsecret-b,bob,u2\n',
  'tokens.csv',
);
const options = {
  authenticators: [new X509Authenticator(), new StaticTokenAuthenticator(tokens)],
  allowAnonymous: true,
};

t.test('K67: the first method that recognises the credential decides', async (t) => {
  const byCertificate = await authenticate(
    request({ certificate: { commonName: 'carol', organizations: ['system:masters'] } }),
    options,
  );
  t.equal(byCertificate?.name, 'carol');
  t.strictSame(byCertificate?.groups, ['system:masters', 'system:authenticated']);

  const byToken = await authenticate(request({ authorization: 'Bearer secret-a' }), options);
  t.equal(byToken?.name, 'alice');
  t.strictSame(byToken?.groups, ['dev', 'ops', 'system:authenticated']);

  const nobody = await authenticate(request({}), options);
  t.equal(nobody?.name, 'system:anonymous');
  t.strictSame(nobody?.groups, ['system:unauthenticated']);
});

t.test('K67: a credential that is presented but wrong is refused, never anonymous', async (t) => {
  for (const authorization of ['Bearer secret-x', 'Bearer secret', 'Basic YTpi', 'Bearer']) {
    t.equal(await authenticate(request({ authorization }), options), undefined, authorization);
  }
  const noMethods = { authenticators: [], allowAnonymous: true };
  t.equal(await authenticate(request({ authorization: 'Bearer x' }), noMethods), undefined);
  t.equal(await authenticate(request({}), { ...options, allowAnonymous: false }), undefined);
  const empty = request({ certificate: { commonName: '', organizations: ['system:masters'] } });
  t.equal(await authenticate(empty, options), undefined);
});

t.test('a bad token file is refused by line, without showing the line', (t) => {
  t.throws(() => parseTokenFile('a,b,c\nonly-a-token\n', 'tokens.csv'), {
    message: /tokens\.csv line 2/,
  });
  t.doesNotThrow(() => parseTokenFile('', 'tokens.csv'));
  t.end();
});

function user(name: string, groups: readonly string[] = []): UserInfo {
  return { name, uid: '', groups, extra: {} };
}

function ask(
  who: UserInfo,
  verb: string,
  resource: string,
  where: { namespace?: string; name?: string; group?: string } = {},
): AuthorizationAttributes {
  const [main = '', subresource = ''] = resource.split('/');
  return {
    user: who,
    verb,
    target: {
      kind: 'resource',
      group: where.group ?? '',
      version: 'v1',
      resource: main,
      subresource,
      namespace: where.namespace ?? '',
      name: where.name ?? '',
    },
  };
}

function role(name: string, namespace: string | undefined, rules: object[]): KubernetesObject {
  return {
    kind: namespace === undefined ? 'ClusterRole' : 'Role',
    metadata: namespace === undefined ? { name } : { name, namespace },
    rules: rules as never,
  };
}

function binding(
  name: string,
  namespace: string | undefined,
  roleRef: { kind: string; name: string },
  subjects: object[],
): KubernetesObject {
  return {
    metadata: namespace === undefined ? { name } : { name, namespace },
    roleRef,
    subjects: subjects as never,
  };
}

function source(objects: {
  clusterRoles?: KubernetesObject[];
  roles?: KubernetesObject[];
  clusterRoleBindings?: KubernetesObject[];
  roleBindings?: KubernetesObject[];
}): RbacSource {
  const named = (list: KubernetesObject[] | undefined, name: string, namespace?: string) =>
    Promise.resolve(
      list?.find((o) => o.metadata.name === name && o.metadata.namespace === namespace),
    );
  return {
    clusterRole: (name) => named(objects.clusterRoles, name),
    role: (namespace, name) => named(objects.roles, name, namespace),
    clusterRoleBindings: () => Promise.resolve(objects.clusterRoleBindings ?? []),
    roleBindings: (namespace) =>
      Promise.resolve(
        (objects.roleBindings ?? []).filter((o) => o.metadata.namespace === namespace),
      ),
  };
}

t.test('K72: rules by verb, group, resource, subresource and name; default deny', async (t) => {
  const rbac = new RbacAuthorizer(
    source({
      clusterRoles: [
        role('reader', undefined, [
          { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] },
          { verbs: ['update'], apiGroups: ['apps'], resources: ['*/scale'] },
          { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] },
          { verbs: ['*'], apiGroups: ['batch'], resources: ['*'] },
        ]),
      ],
      clusterRoleBindings: [
        binding('b', undefined, { kind: 'ClusterRole', name: 'reader' }, [
          { kind: 'User', name: 'alice' },
        ]),
      ],
    }),
  );
  const alice = user('alice');
  const rows: [AuthorizationAttributes, boolean][] = [
    [ask(alice, 'get', 'pods', { namespace: 'd' }), true],
    [ask(alice, 'list', 'pods'), true],
    [ask(alice, 'delete', 'pods', { namespace: 'd' }), false],
    [ask(alice, 'get', 'pods/log', { namespace: 'd', name: 'p' }), true],
    [ask(alice, 'get', 'pods/exec', { namespace: 'd', name: 'p' }), false],
    [ask(alice, 'get', 'pods', { group: 'apps' }), false],
    [ask(alice, 'update', 'deployments/scale', { group: 'apps', name: 'x' }), true],
    [ask(alice, 'update', 'deployments', { group: 'apps', name: 'x' }), false],
    [ask(alice, 'get', 'secrets', { namespace: 'd', name: 'mine' }), true],
    [ask(alice, 'get', 'secrets', { namespace: 'd', name: 'other' }), false],
    [ask(alice, 'get', 'secrets', { namespace: 'd' }), false],
    [ask(alice, 'deletecollection', 'jobs/status', { group: 'batch' }), true],
    [ask(user('mallory'), 'get', 'pods'), false],
  ];
  for (const [attributes, expected] of rows) {
    const decision = await rbac.authorize(attributes);
    t.equal(decision.isAllowed, expected, JSON.stringify(attributes));
  }
});

t.test('K72: a RoleBinding grants in its own namespace only, a ClusterRole too', async (t) => {
  const everything = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
  const rbac = new RbacAuthorizer(
    source({
      clusterRoles: [role('all', undefined, everything)],
      roles: [role('all-here', 'a', everything)],
      roleBindings: [
        binding('one', 'a', { kind: 'ClusterRole', name: 'all' }, [{ kind: 'Group', name: 'g' }]),
        binding('two', 'a', { kind: 'Role', name: 'all-here' }, [
          { kind: 'ServiceAccount', name: 'robot' },
        ]),
        binding('three', 'b', { kind: 'Role', name: 'all-here' }, [{ kind: 'Group', name: 'g' }]),
      ],
    }),
  );
  const member = user('m', ['g']);
  const robot = user('system:serviceaccount:a:robot');
  const allowed = async (attributes: AuthorizationAttributes) =>
    (await rbac.authorize(attributes)).isAllowed;
  t.ok(await allowed(ask(member, 'get', 'pods', { namespace: 'a' })));
  t.notOk(await allowed(ask(member, 'get', 'pods', { namespace: 'b' })), 'the role is of a');
  t.notOk(await allowed(ask(member, 'get', 'nodes')), 'cluster scope needs a cluster binding');
  t.ok(await allowed(ask(robot, 'get', 'pods', { namespace: 'a' })));
  t.notOk(await allowed(ask(user('system:serviceaccount:b:robot'), 'get', 'pods')));
  const refusal = await rbac.authorize(ask(member, 'get', 'pods', { namespace: 'b' }));
  t.equal(refusal.reason, 'RBAC: role.rbac.authorization.k8s.io "all-here" not found');
});

t.test('K73: the bootstrap roles let every authenticated user read discovery', async (t) => {
  const rbac = unionAuthorizer(
    mastersAuthorizer,
    new RbacAuthorizer(
      source({
        clusterRoles: [...BOOTSTRAP_CLUSTER_ROLES],
        clusterRoleBindings: [...BOOTSTRAP_CLUSTER_ROLE_BINDINGS],
      }),
    ),
  );
  const path = (who: UserInfo, verb: string, path: string) =>
    rbac.authorize({ user: who, verb, target: { kind: 'nonResource', path } });
  const known = user('u', ['system:authenticated']);
  const unknown = user('system:anonymous', ['system:unauthenticated']);
  t.ok((await path(known, 'get', '/apis/apps/v1')).isAllowed);
  t.notOk((await path(known, 'post', '/apis/apps/v1')).isAllowed);
  t.notOk((await path(known, 'get', '/metrics')).isAllowed);
  t.ok((await path(unknown, 'get', '/version')).isAllowed);
  t.notOk((await path(unknown, 'get', '/apis')).isAllowed);
  t.ok((await rbac.authorize(ask(user('root', ['system:masters']), 'delete', 'nodes'))).isAllowed);
});

t.test('K39: the text of a refusal', (t) => {
  t.equal(
    refusalText(ask(user('u'), 'get', 'pods', { namespace: 'd', name: 'x' }), ''),
    'User "u" cannot get resource "pods" in API group "" in the namespace "d"',
  );
  t.equal(
    refusalText(ask(user('<u>'), 'get', 'nodes/status', { group: 'g' }), 'why'),
    'User "&lt;u&gt;" cannot get resource "nodes/status" in API group "g" at the cluster scope: why',
  );
  t.equal(
    refusalText({ user: user('u'), verb: 'get', target: { kind: 'nonResource', path: '/x' } }, ''),
    'User "u" cannot get path "/x"',
  );
  t.end();
});
