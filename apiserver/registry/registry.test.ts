import t from 'tap';
import { SeededRandom } from '../../base/random';
import type { KubernetesObject } from '../machinery/object';
import { formatTime } from '../machinery/time';
import { beforeUpdate } from './before-update';
import { newFinalizersText } from './finalizers';
import { generateName, newUid } from './generate-name';
import { decideDeletion, type DeletionDecision } from './graceful-delete';
import type { ResourceDefinition } from './resource';
import { applyScale, scaleOf } from './scale';
import { strategyOf, type Strategy } from './strategy';
import { validateMetadata } from './validate-metadata';

function definition(strategy: Partial<Strategy> = {}): ResourceDefinition {
  return {
    group: '',
    version: 'v1',
    resource: 'things',
    kind: 'Thing',
    listKind: 'ThingList',
    singular: 'thing',
    isNamespaced: true,
    verbs: [],
    shortNames: [],
    categories: [],
    subresources: [],
    storageVersion: 'v1',
    keySegment: 'things',
    strategy: strategyOf(strategy),
  };
}

function thing(metadata: KubernetesObject['metadata']): KubernetesObject {
  return { kind: 'Thing', apiVersion: 'v1', metadata: { name: 'a', namespace: 'd', ...metadata } };
}

t.test('generated names are cut to 58 characters and end in five drawn ones (K42)', (t) => {
  const random = new SeededRandom('names');
  t.match(generateName('web-', random), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.equal(generateName('x'.repeat(80), random).length, 63);
  t.match(newUid(random), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.end();
});

t.test('what a deletion does depends on finalizers and grace (K48)', (t) => {
  const nowMs = 1_700_000_000_000;
  const marked = (seconds: number, finalizers: readonly string[] = []): KubernetesObject =>
    thing({
      finalizers,
      generation: 2,
      deletionTimestamp: formatTime(nowMs + seconds * 1000),
      deletionGracePeriodSeconds: seconds,
    });
  const graceful: Partial<Strategy> = { gracePeriodSeconds: (_object, asked) => asked ?? 30 };
  const show = (decision: DeletionDecision): string => {
    if (decision.kind !== 'mark') return decision.kind;
    const { deletionTimestamp, deletionGracePeriodSeconds, generation } = decision.object.metadata;
    const inSeconds = (Date.parse(deletionTimestamp ?? '') - nowMs) / 1000;
    return `mark in ${inSeconds} grace ${String(deletionGracePeriodSeconds)} generation ${String(generation)}`;
  };
  const table: readonly [
    string,
    Partial<Strategy>,
    KubernetesObject,
    number | undefined,
    string,
  ][] = [
    ['nothing holds it', {}, thing({}), undefined, 'remove'],
    [
      'a finalizer',
      {},
      thing({ finalizers: ['a/b'] }),
      undefined,
      'mark in 0 grace 0 generation undefined',
    ],
    [
      'with generation',
      {},
      thing({ finalizers: ['a/b'], generation: 1 }),
      undefined,
      'mark in 0 grace 0 generation 2',
    ],
    ['grace without graceful deletion', {}, thing({}), 60, 'remove'],
    ['marked and still held', {}, marked(0, ['a/b']), undefined, 'keep'],
    ['marked and no longer held', {}, marked(0), undefined, 'remove'],
    ['graceful', graceful, thing({ generation: 1 }), undefined, 'mark in 30 grace 30 generation 2'],
    ['graceful, 0 asked', graceful, thing({ generation: 1 }), 0, 'remove'],
    [
      'a negative grace is 1',
      graceful,
      thing({ generation: 1 }),
      -5,
      'mark in 1 grace 1 generation 2',
    ],
    ['again, nothing new', graceful, marked(30), undefined, 'keep'],
    ['again, longer', graceful, marked(30), 60, 'keep'],
    ['again, shorter', graceful, marked(30), 5, 'mark in 5 grace 5 generation 2'],
    ['again, at once', graceful, marked(30), 0, 'remove'],
    ['again, at once, held', graceful, marked(30, ['a/b']), 0, 'mark in 0 grace 0 generation 2'],
  ];
  for (const [name, strategy, object, requestedSeconds, expected] of table) {
    const decision = decideDeletion(definition(strategy), object, { requestedSeconds, nowMs });
    t.equal(show(decision), expected, name);
  }
  t.end();
});

t.test('generation follows the spec and nothing else (K45, T17)', (t) => {
  const counted = definition({
    hasGeneration: true,
    // As deployments: a status write may change annotations, which count for plain writes only.
    changesGeneration: (object, old) =>
      object['spec'] !== old['spec'] || object['status'] !== old['status'],
    prepareForStatusUpdate: (object, old) => ({ ...old, status: object['status'] }),
  });
  const old: KubernetesObject = { ...thing({ generation: 3, uid: 'u' }), spec: 'a', status: '1' };
  const generation = (change: Partial<KubernetesObject>, target: 'object' | 'status'): unknown =>
    beforeUpdate(counted, { object: { ...old, ...change }, old, target }, { now: '' }).metadata
      .generation;
  t.equal(generation({ spec: 'b' }, 'object'), 4);
  t.equal(generation({ spec: 'a' }, 'object'), 3);
  t.equal(generation({ status: '2' }, 'status'), 3);
  t.equal(generation({ metadata: { name: 'a', generation: 99 } }, 'object'), 3);
  t.end();
});

t.test('while marked, new finalizers are forbidden by name (K48)', (t) => {
  t.equal(newFinalizersText(['a/b'], ['a/b', 'c/d']), undefined);
  t.equal(
    newFinalizersText(['a/b', 'd.e/f'], ['a/b']),
    'no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
  );
  t.end();
});

t.test('metadata is validated with the texts of Kubernetes', (t) => {
  const texts = (metadata: KubernetesObject['metadata']): readonly string[] =>
    validateMetadata(definition(), thing(metadata)).map(
      (error) => `${error.field}: ${error.message}`,
    );
  t.same(texts({ labels: { 'a.b/c': 'd', x: '' } }), []);
  t.match(texts({ name: '' }), ['metadata.name: Required value: name or generateName is required']);
  t.match(texts({ name: 'A_b' })[0], /^metadata\.name: Invalid value: "A_b": a lowercase RFC 1123/);
  t.match(texts({ labels: { 'b!': 'x' } })[0], /^metadata\.labels: Invalid value: "b!": name part/);
  t.match(
    texts({ labels: { b: 'x!' } })[0],
    /^metadata\.labels: Invalid value: "x!": a valid label/,
  );
  t.match(texts({ annotations: { a: 'x'.repeat(262_144) } }), [
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ]);
  t.match(texts({ ownerReferences: [{ kind: 'X', name: 'n', uid: 'u' }] })[0], /version must not/);
  t.end();
});

t.test('a Scale shows replicas and selector, and writes replicas (K46)', (t) => {
  const object: KubernetesObject = {
    ...thing({ resourceVersion: '5', uid: 'u' }),
    spec: {
      replicas: 2,
      selector: {
        matchLabels: { b: '1' },
        matchExpressions: [{ key: 'a', operator: 'In', values: ['z', 'y'] }],
      },
    },
    status: { replicas: 1 },
  };
  const scale = scaleOf(object);
  t.match(scale, { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 2 } });
  t.same(scale['status'], { replicas: 1, selector: 'a in (y,z),b=1' });
  const scaled = applyScale(object, { ...scale, spec: { replicas: 7 } });
  t.match(scaled, { spec: { replicas: 7 }, metadata: { resourceVersion: '5' } });
  t.end();
});
