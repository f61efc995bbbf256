/** The admission chain and NamespaceLifecycle (K42, K66, K74). */
import t from 'tap';
import type { KubernetesObject } from '../machinery/object';
import { isApiError } from '../machinery/status';
import type { StoredObject } from '../storage/storage';
import {
  AdmissionChain,
  NamespaceLifecycle,
  type AdmissionAttributes,
  type NamespaceReader,
} from '.';

function attributes(change: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  return {
    operation: 'create',
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    subresource: '',
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    namespace: 'here',
    name: 'x',
    object: { metadata: { name: 'x' } },
    oldObject: undefined,
    user: { name: 'u', uid: '', groups: [], extra: {} },
    isDryRun: false,
    warn: () => undefined,
    ...change,
  };
}

/** Namespaces that exist; those of `cached` are also in the cache. */
function namespaces(
  existing: Record<string, KubernetesObject['metadata']>,
  cached: readonly string[] = Object.keys(existing),
): NamespaceReader {
  return {
    get: (path, freshness) => {
      const metadata = existing[path];
      const isVisible = freshness.kind === 'consistent' || cached.includes(path);
      const stored: StoredObject | undefined =
        metadata === undefined || !isVisible
          ? undefined
          : { path, resourceVersion: '5', object: { metadata }, json: new Uint8Array() };
      return Promise.resolve(stored);
    },
  };
}

t.test('K66: plugins change the object in order, then each may refuse the result', async (t) => {
  const order: string[] = [];
  const step = (name: string) => ({
    name,
    mutate: (a: AdmissionAttributes) => {
      order.push(`${name} mutates`);
      const seen = a.object?.['seen'];
      const before = typeof seen === 'string' ? seen : '';
      return Promise.resolve({ metadata: {}, ...a.object, seen: before + name });
    },
    validate: () => {
      order.push(`${name} validates`);
      return Promise.resolve();
    },
  });
  const chain = new AdmissionChain([step('a'), step('b')]);
  const object = await chain.mutate(attributes());
  await chain.validate(attributes());
  t.equal(object?.['seen'], 'ab');
  t.same(order, ['a mutates', 'b mutates', 'a validates', 'b validates']);
});

t.test('K42: nothing is created in an absent or terminating namespace', async (t) => {
  const plugin = new NamespaceLifecycle(
    namespaces({ here: {}, fresh: {}, going: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, [
      'here',
      'going',
    ]),
  );
  await t.resolves(plugin.validate(attributes()));
  await t.resolves(plugin.validate(attributes({ namespace: 'fresh' })), 'not in the cache yet');
  await t.resolves(plugin.validate(attributes({ namespace: '' })), 'cluster scope');
  await t.resolves(plugin.validate(attributes({ operation: 'update', namespace: 'going' })));

  const absent = await plugin
    .validate(attributes({ namespace: 'nowhere' }))
    .catch((e: unknown) => e);
  t.ok(isApiError(absent, 'NotFound'));
  t.equal((absent as Error).message, 'namespaces "nowhere" not found');

  const going = await plugin.validate(attributes({ namespace: 'going' })).catch((e: unknown) => e);
  t.ok(isApiError(going, 'Forbidden'));
  t.equal(
    (going as Error).message,
    'configmaps "x" is forbidden: unable to create new content in namespace going ' +
      'because it is being terminated',
  );
  if (isApiError(going)) t.equal(going.status.details?.causes?.[0]?.reason, 'NamespaceTerminating');
});

t.test('K74: default, kube-system and kube-public cannot be deleted', async (t) => {
  const plugin = new NamespaceLifecycle(namespaces({}));
  const remove = (name: string) =>
    plugin.validate(
      attributes({
        operation: 'delete',
        resource: { group: '', version: 'v1', resource: 'namespaces' },
        namespace: name,
        name,
        object: undefined,
      }),
    );
  for (const name of ['default', 'kube-system', 'kube-public']) {
    await t.rejects(remove(name), {
      message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    });
  }
  await t.resolves(remove('mine'));
});
