import t from 'tap';
import { readApiFile } from '../../base/node';
import { parseJsonText, stringifyJson } from '../machinery/json';
import type { Json, JsonObject } from '../machinery/object';
import { loadBuiltinTypes } from './builtin-types';
import { decodeTyped } from './decode';
import { applyStrategicMergePatch } from './strategic-merge-patch';

const types = loadBuiltinTypes({
  resources: JSON.parse(readApiFile('resources.json')) as unknown,
  schemas: () => JSON.parse(readApiFile('schemas.json')) as unknown,
});

const kinds = {
  Pod: { group: '', version: 'v1', kind: 'Pod' },
  Secret: { group: '', version: 'v1', kind: 'Secret' },
  Service: { group: '', version: 'v1', kind: 'Service' },
  ConfigMap: { group: '', version: 'v1', kind: 'ConfigMap' },
  ServiceAccount: { group: '', version: 'v1', kind: 'ServiceAccount' },
  Deployment: { group: 'apps', version: 'v1', kind: 'Deployment' },
  Lease: { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' },
  Scale: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  CustomResourceDefinition: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
  },
} as const;

type KindName = keyof typeof kinds;

function parse(text: string): JsonObject {
  const result = parseJsonText(text);
  if (result.kind === 'invalid') throw new Error(result.message);
  return result.value as JsonObject;
}

function decoded(kind: KindName, text: string): { text: string; unknown: readonly string[] } {
  const result = decodeTyped(types, kinds[kind], parse(text));
  if (result.kind === 'invalid') throw new Error(result.message);
  return { text: stringifyJson(result.object), unknown: result.unknownFields };
}

function mistake(kind: KindName, text: string): string {
  const result = decodeTyped(types, kinds[kind], parse(text));
  const head = `${kind} in version "v1" cannot be handled as a ${kind}: `;
  if (result.kind === 'decoded') return 'decoded';
  return result.message.startsWith(head) ? result.message.slice(head.length) : result.message;
}

t.test('wrong types are told as Go tells them (K30)', (t) => {
  const cases: readonly (readonly [KindName, string, string])[] = [
    [
      'Deployment',
      '{"spec":{"replicas":"3"}}',
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'Deployment',
      '{"spec":{"template":{"spec":{"containers":[{"ports":[{"containerPort":1.5}]}]}}}}',
      'json: cannot unmarshal number 1.5 into Go struct field ' +
        'ContainerPort.spec.template.spec.containers.ports.containerPort of type int32',
    ],
    [
      'Deployment',
      '{"metadata":{"labels":{"a":1}}}',
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      'Pod',
      '{"spec":[]}',
      'json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec',
    ],
    [
      'Pod',
      '{"spec":{"containers":{}}}',
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type ' +
        '[]v1.Container',
    ],
    [
      'Pod',
      '{"spec":{"hostNetwork":"true"}}',
      'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
    ],
    [
      'Service',
      '{"spec":{"ports":[{"port":3000000000}]}}',
      'json: cannot unmarshal number 3000000000 into Go struct field ServicePort.spec.ports.port ' +
        'of type int32',
    ],
    [
      'Service',
      '{"spec":{"ports":[{"targetPort":true}]}}',
      'json: cannot unmarshal bool into Go value of type int32',
    ],
    [
      'Pod',
      '{"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}}',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      'Pod',
      '{"metadata":{"deletionTimestamp":"soon"}}',
      'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
    ],
    ['Secret', '{"data":{"a":"a"}}', 'illegal base64 data at input byte 0'],
    ['Secret', '{"data":{"a":"aGk*"}}', 'illegal base64 data at input byte 3'],
  ];
  for (const [kind, text, expected] of cases) t.equal(mistake(kind, text), expected, text);
  t.end();
});

t.test('unknown fields are dropped and listed by path (K50)', (t) => {
  const result = decoded(
    'Deployment',
    '{"spec":{"zz":1,"template":{"spec":{"containers":[{"name":"a","foo":{"bar":1}}]}}},"x":null}',
  );
  t.strictSame(result.unknown, [
    'unknown field "spec.zz"',
    'unknown field "spec.template.spec.containers[0].foo"',
    'unknown field "x"',
  ]);
  t.equal(result.text, '{"spec":{"template":{"spec":{"containers":[{"name":"a"}]}}}}');
  t.strictSame(decoded('ConfigMap', '{"data":{"any.key":"x"}}').unknown, []);
  t.end();
});

t.test('nulls, canonical forms, int64 and the order of fields (K32, K44, K78, T18)', (t) => {
  const metadata = '"metadata":{"creationTimestamp":null,"labels":{"b":"1","a":"2"},"name":"x"}';
  t.equal(
    decoded('Pod', `{"spec":{"volumes":[{"name":"v","emptyDir":{}}]},${metadata},"kind":"Pod"}`)
      .text,
    '{"kind":"Pod","metadata":{"labels":{"a":"2","b":"1"},"name":"x"},' +
      '"spec":{"volumes":[{"emptyDir":{},"name":"v"}]}}',
  );
  t.equal(
    decoded(
      'Pod',
      '{"spec":{"containers":[{"resources":{"limits":{"cpu":0.5,"memory":"1024Mi"}}}]}}',
    ).text,
    '{"spec":{"containers":[{"resources":{"limits":{"cpu":"500m","memory":"1Gi"}}}]}}',
  );
  t.equal(
    decoded('Pod', '{"spec":{"terminationGracePeriodSeconds":9007199254740993}}').text,
    '{"spec":{"terminationGracePeriodSeconds":9007199254740993}}',
  );
  t.equal(
    decoded('Lease', '{"spec":{"renewTime":"2020-01-01T00:00:00.123456789Z"}}').text,
    '{"spec":{"renewTime":"2020-01-01T00:00:00.123456Z"}}',
  );
  t.equal(
    decoded('Pod', '{"spec":{"containers":[],"nodeSelector":{},"tolerations":[]}}').text,
    '{"spec":{"containers":[]}}',
    'empty lists and maps go, required ones stay',
  );
  t.equal(decoded('Scale', '{"spec":{"replicas":2}}').text, '{"spec":{"replicas":2}}');
  t.end();
});

t.test('a custom resource definition keeps any JSON where its schema says so', (t) => {
  const schema =
    '{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","zz":1},' +
    '"default":{"x":null}},"b":{"additionalProperties":true}}}';
  const text = `{"spec":{"versions":[{"schema":{"openAPIV3Schema":${schema}}}]}}`;
  const result = decoded('CustomResourceDefinition', text);
  t.match(result.text, '"default":{"x":null}');
  t.match(result.text, '"additionalProperties":true');
  t.strictSame(result.unknown, [
    'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.items.zz"',
  ]);
  t.end();
});

t.test('a kind that is not served is no kind', (t) => {
  const result = decodeTyped(types, { group: 'x', version: 'v1', kind: 'Y' }, {});
  t.strictSame(result, {
    kind: 'invalid',
    message: 'no kind "Y" is registered for version "x/v1"',
  });
  t.end();
});

function patchedSpec(spec: Json, patch: Json): Json | undefined {
  const pod = { metadata: { name: 'p' }, spec };
  const result = applyStrategicMergePatch(types, kinds.Pod, pod, { spec: patch });
  if (result.kind === 'failed') throw new Error(result.message);
  return result.object['spec'];
}

const [a, b, c] = [
  { name: 'a', image: 'a:1' },
  { name: 'b', image: 'b:1' },
  { name: 'c', image: 'c:1' },
];

t.test('strategic merge: lists by key, directives, order (K53)', (t) => {
  const cases: readonly (readonly [string, Json, Json, Json])[] = [
    [
      'an item is found by its key',
      { containers: [a, b] },
      { containers: [{ name: 'b', image: 'b:2' }] },
      { containers: [a, { name: 'b', image: 'b:2' }] },
    ],
    [
      'a new item comes before those the client did not name',
      { containers: [a] },
      { containers: [b] },
      { containers: [b, a] },
    ],
    [
      '$setElementOrder sorts',
      { containers: [a, b] },
      {
        '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }],
        containers: [c],
      },
      { containers: [c, b, a] },
    ],
    [
      '$setElementOrder alone sorts, what only the server has keeps its place',
      { containers: [a, b, c] },
      { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] },
      { containers: [b, c, a] },
    ],
    [
      '$patch: delete',
      { containers: [a, b] },
      { containers: [{ $patch: 'delete', name: 'a' }] },
      { containers: [b] },
    ],
    [
      '$patch: replace in a list',
      { containers: [a, b] },
      { containers: [c, { $patch: 'replace' }] },
      { containers: [c] },
    ],
    [
      '$patch: replace of a map',
      { nodeSelector: { x: '1' } },
      { nodeSelector: { $patch: 'replace', y: '2' } },
      { nodeSelector: { y: '2' } },
    ],
    ['null deletes', { hostname: 'h', nodeName: 'n' }, { hostname: null }, { nodeName: 'n' }],
    [
      'a list without a strategy is replaced',
      { containers: [{ ...a, args: ['1', '2'] }] },
      { containers: [{ name: 'a', args: ['3'] }] },
      { containers: [{ ...a, args: ['3'] }] },
    ],
    [
      '$retainKeys clears the rest',
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] },
      { volumes: [{ name: 'v', hostPath: { path: '/x' } }] },
    ],
    [
      'what is new keeps neither nulls nor directives',
      {},
      { securityContext: { runAsUser: 1, fsGroup: null } },
      { securityContext: { runAsUser: 1 } },
    ],
  ];
  for (const [name, spec, patch, expected] of cases) {
    const before = stringifyJson(spec);
    t.strictSame(patchedSpec(spec, patch), expected, name);
    t.equal(stringifyJson(spec), before, `${name}: the object is not changed`);
  }
  t.end();
});

t.test('strategic merge: lists of scalars merge or are deleted from; mistakes are told', (t) => {
  const pod = { metadata: { finalizers: ['a', 'b'] } };
  const finalizers = (patch: JsonObject): unknown => {
    const result = applyStrategicMergePatch(types, kinds.Pod, pod, { metadata: patch });
    return result.kind === 'patched' ? result.object['metadata'] : result.message;
  };
  t.strictSame(finalizers({ finalizers: ['c'] }), { finalizers: ['c', 'a', 'b'] });
  t.strictSame(finalizers({ '$deleteFromPrimitiveList/finalizers': ['a'] }), { finalizers: ['b'] });
  t.equal(finalizers({ $patch: 'no' }), 'unknown patch type ""no"" in map');
  const noKey = applyStrategicMergePatch(
    types,
    kinds.Pod,
    {},
    {
      spec: { containers: [{ image: 'x' }] },
    },
  );
  t.match(noKey, { kind: 'failed', message: /does not contain declared merge key: name/ });
  t.end();
});
