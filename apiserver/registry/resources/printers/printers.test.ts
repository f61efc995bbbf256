import t from 'tap';
import { readApiFile } from '../../../../base/node';
import type { JsonObject } from '../../../machinery/object';
import { loadBuiltinTypes } from '../../../schema';
import { builtinResources } from '../index';

const types = loadBuiltinTypes({
  resources: JSON.parse(readApiFile('resources.json')) as unknown,
  schemas: () => JSON.parse(readApiFile('schemas.json')) as unknown,
});
const resources = builtinResources(types);
const now = Date.UTC(2026, 0, 2);
const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };
const selector = { matchLabels: { a: 'b' } };
const template = {
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
};

function find(name: string): (typeof resources)[number] {
  const found = resources.find((each) => each.resource === name);
  if (found === undefined) throw new Error(`no resource ${name}`);
  return found;
}

function cells(name: string, object: JsonObject): unknown {
  const { printer } = find(name);
  const complete = { metadata, ...object };
  const row = printer?.cells(complete, now) ?? [];
  const shown = printer?.columns.map((column, index) => [column.name, row[index]] as const) ?? [];
  t.equal(row.length, shown.length, `${name} has a cell for each column`);
  return Object.fromEntries(shown);
}

t.test('tables show the columns that users know (K36)', (t) => {
  t.match(cells('pods', { spec: template.spec, status: { phase: 'Pending' } }), {
    Name: 'x',
    Ready: '0/1',
    Status: 'Pending',
    Restarts: '0',
    Age: '24h',
    Node: '<none>',
  });
  const crashed = {
    phase: 'Running',
    containerStatuses: [
      {
        name: 'c',
        restartCount: 3,
        ready: false,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { finishedAt: '2026-01-01T23:55:00Z' } },
      },
    ],
  };
  t.match(cells('pods', { spec: template.spec, status: crashed }), {
    Status: 'CrashLoopBackOff',
    Restarts: '3 (5m ago)',
  });
  t.match(cells('deployments', { spec: { replicas: 2, selector, template }, status: {} }), {
    Ready: '0/2',
    Containers: 'c',
    Images: 'nginx',
    Selector: 'a=b',
  });
  const ports = [
    { port: 53, protocol: 'UDP' },
    { port: 80, nodePort: 30080, protocol: 'TCP' },
  ];
  t.match(cells('services', { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1', ports } }), {
    Type: 'LoadBalancer',
    'Cluster-IP': '10.0.0.1',
    'External-IP': '<pending>',
    'Port(s)': '53/UDP,80:30080/TCP',
  });
  t.match(
    cells('nodes', { metadata: { name: 'n', labels: { 'node-role.kubernetes.io/x': '' } } }),
    {
      Status: 'Unknown',
      Roles: 'x',
    },
  );
  const involvedObject = { kind: 'Pod', name: 'p' };
  t.match(
    cells('events', {
      involvedObject,
      type: 'Normal',
      reason: 'R',
      message: 'm',
      lastTimestamp: '2026-01-01T23:59:00Z',
    }),
    { 'Last Seen': '60s', Object: 'pod/p', Message: 'm', Count: 1 },
  );
  t.match(cells('configmaps', { data: { a: '1' }, binaryData: { b: '' } }), { Data: 2 });
  t.match(cells('jobs', { spec: { completions: 2 } }), { Status: 'Running', Completions: '0/2' });
  t.equal(find('roles').printer, undefined, 'Name and Created At');
  const printed = resources.filter((each) => each.printer !== undefined);
  t.ok(printed.length >= 50, `${String(printed.length)} resources have their own columns`);
  for (const each of printed) {
    const row = each.printer?.cells({ metadata: { name: 'x' } }, now);
    t.equal(row?.length, each.printer?.columns.length, `${each.resource}: an empty object prints`);
  }
  t.end();
});
